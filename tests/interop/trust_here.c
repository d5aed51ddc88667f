/*
 * Preloaded into a client that trusts only the authorities of the whole system: when it opens their
 * file, it gets the one that TRUST_HERE names.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *
chosen(const char *path)
{
	const char *ours = getenv("TRUST_HERE");
	int is_it = path != NULL && strcmp(path, "/etc/ssl/certs/ca-certificates.crt") == 0;

	return is_it && ours != NULL ? ours : path;
}

#define OPENS_STREAM(name) \
	FILE *name(const char *path, const char *mode) \
	{ \
		FILE *(*next)(const char *, const char *) = dlsym(RTLD_NEXT, #name); \
\
		return next(chosen(path), mode); \
	}

#define OPENS_FILE(name) \
	int name(const char *path, int flags, ...) \
	{ \
		int (*next)(const char *, int, ...) = dlsym(RTLD_NEXT, #name); \
		va_list rest; \
		mode_t mode; \
\
		va_start(rest, flags); \
		mode = va_arg(rest, mode_t); \
		va_end(rest); \
		return next(chosen(path), flags, mode); \
	}

OPENS_STREAM(fopen)
OPENS_STREAM(fopen64)
OPENS_FILE(open)
OPENS_FILE(open64)
