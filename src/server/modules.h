/* The modules of this build, in the order of src/modules/modules.list; NULL at the end. */
#ifndef SERVER_MODULES_H
#define SERVER_MODULES_H

struct module;

extern const struct module *const all_modules[];

#endif
