/*
 * Configurations from any bytes. What is refused has a reason that names the file; what is accepted
 * had all closed: a further } or an unknown key behind it must be refused.
 */
#include "fuzz.h"

#include "server/config.h"
#include "server/core_config.h"

#include <assert.h>

static int
read_text(struct slice text)
{
	struct config *config = config_create(core_sections);
	struct config_error error;
	int r = config_read_text(config, "fuzz.conf", text, &error);

	assert(r == 0 ? error.text[0] == '\0' : error.text[0] != '\0');
	assert(r == 0 || strstr(error.text, "fuzz.conf") != NULL);
	config_destroy(&config);
	return r;
}

static void
refuses_with(struct slice text, const char *more)
{
	struct arena arena;

	arena_init(&arena, 0);
	assert(read_text(arena_printf(&arena, "%.*s\n%s\n", SLICE_ARG(text), more)) < 0);
	arena_finish(&arena);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice text = slice_make((const char *)data, size);

	/* Included files are the machine's, not the input's. */
	if (memmem(data, size, "include", 7) != NULL || read_text(text) < 0)
		return 0;
	refuses_with(text, "}");
	refuses_with(text, "nothing = 1");
	return 0;
}
