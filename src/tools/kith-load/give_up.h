/* The end of a run that cannot go on, for a reason outside of us. */
#ifndef TOOLS_KITH_LOAD_GIVE_UP_H
#define TOOLS_KITH_LOAD_GIVE_UP_H

#include "base/base.h"

/* One line on stderr, then exit status 1. The kernel frees what is left. */
noreturn void give_up(const char *format, ...) PRINTF_LIKE(1, 2);

#endif
