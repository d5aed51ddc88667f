/* The list of XEPs that this server speaks, from what the core and its modules declare. */
#ifndef SERVER_XEPS_H
#define SERVER_XEPS_H

#include "server/module.h"

#include <stdio.h>

/* Writes docs/xeps.md. modules: NULL at the end. */
void xeps_dump(const struct module *const *modules, FILE *out);

#endif
