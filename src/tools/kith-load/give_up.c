/* Not die() of base, which aborts and leaves a core file: nothing is wrong with the program. */
#include "tools/kith-load/give_up.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void
give_up(const char *format, ...)
{
	va_list args;

	(void)fputs("kith-load: ", stderr);
	va_start(args, format);
	(void)vfprintf(stderr, format, args);
	va_end(args);
	(void)fputc('\n', stderr);
	exit(1);
}
