/*
 * A byte ring under a mutex, emptied by one thread. The lock is held for a memcpy on both sides
 * and never across a write, so a loop waits for a copy at worst.
 */
#include "base/log.h"

#include "base/buffer.h"
#include "base/clock.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { RING_BYTES = 256 * 1024, LINE_LIMIT = 4096, VALUE_LIMIT = 512, GATHER_MS = 20 };

struct log {
	int fd;
	enum log_format format;
	_Atomic(int) level;
	_Atomic(uint64_t) dropped;
	pthread_mutex_t lock;
	pthread_cond_t filled;
	pthread_t writer;
	bool has_writer, ending;
	size_t start, used;
	char ring[RING_BYTES];
};

static const char *const level_names[] = { "error", "warning", "info", "debug" };
static const int journal_levels[] = { 3, 4, 6, 7 };

struct log *
log_create(int fd, enum log_format format, enum log_level level)
{
	struct log *log = xcalloc(1, sizeof(*log));

	log->fd = fd;
	log->format = format;
	atomic_init(&log->level, (int)level);
	(void)pthread_mutex_init(&log->lock, NULL);
	(void)pthread_cond_init(&log->filled, NULL);
	return log;
}

void
log_set_level(struct log *log, enum log_level level)
{
	atomic_store(&log->level, (int)level);
}

bool
log_wants(const struct log *log, enum log_level level)
{
	return log != NULL && (int)level <= atomic_load_explicit(&log->level, memory_order_relaxed);
}

uint64_t
log_dropped(const struct log *log)
{
	return atomic_load(&log->dropped);
}

/* A moment in which more lines may come, so that a busy server wakes the writer seldom. */
static void
gather(struct log *log)
{
	struct timespec until;

	(void)clock_gettime(CLOCK_REALTIME, &until);
	until.tv_nsec += GATHER_MS * 1000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_nsec -= 1000000000;
		until.tv_sec++;
	}
	while (!log->ending && log->used < RING_BYTES / 2 &&
		pthread_cond_timedwait(&log->filled, &log->lock, &until) == 0)
		;
}

/* Takes up to size bytes out of the ring; waits while it is empty. 0 at the end. */
static size_t
take(struct log *log, char *out, size_t size)
{
	size_t n, upto_end;

	(void)pthread_mutex_lock(&log->lock);
	if (log->used == 0 && !log->ending) {
		while (log->used == 0 && !log->ending)
			(void)pthread_cond_wait(&log->filled, &log->lock);
		gather(log);
	}
	n = log->used < size ? log->used : size;
	upto_end = RING_BYTES - log->start;
	if (n > upto_end)
		n = upto_end;
	memcpy(out, log->ring + log->start, n);
	log->start = (log->start + n) % RING_BYTES;
	log->used -= n;
	(void)pthread_mutex_unlock(&log->lock);
	return n;
}

static void
write_all(int fd, const char *at, size_t left)
{
	while (left > 0) {
		ssize_t n = write(fd, at, left);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return; /* nobody to tell */
		at += n;
		left -= (size_t)n;
	}
}

static void *
write_lines(void *arg)
{
	struct log *log = arg;
	char chunk[4096];
	size_t n;

	while ((n = take(log, chunk, sizeof(chunk))) > 0)
		write_all(log->fd, chunk, n);
	return NULL;
}

void
log_destroy(struct log **log_ptr)
{
	struct log *log = *log_ptr;

	*log_ptr = NULL;
	if (log == NULL)
		return;
	(void)pthread_mutex_lock(&log->lock);
	log->ending = true;
	(void)pthread_cond_signal(&log->filled);
	(void)pthread_mutex_unlock(&log->lock);
	if (log->has_writer)
		(void)pthread_join(log->writer, NULL);
	(void)pthread_mutex_destroy(&log->lock);
	(void)pthread_cond_destroy(&log->filled);
	free(log);
}

static void
put(struct log *log, const struct buffer *line)
{
	(void)pthread_mutex_lock(&log->lock);
	if (line->len > RING_BYTES - log->used) {
		atomic_fetch_add(&log->dropped, 1);
	} else {
		size_t at = (log->start + log->used) % RING_BYTES;
		size_t first = line->len < RING_BYTES - at ? line->len : RING_BYTES - at;

		memcpy(log->ring + at, line->data, first);
		memcpy(log->ring, line->data + first, line->len - first);
		log->used += line->len;
		if (!log->has_writer)
			log->has_writer = pthread_create(&log->writer, NULL, write_lines, log) == 0;
		if (log->used == line->len || log->used >= RING_BYTES / 2)
			(void)pthread_cond_signal(&log->filled);
	}
	(void)pthread_mutex_unlock(&log->lock);
}

/* Bytes that could move a cursor or start a new line are shown as \xNN; quotes for JSON. */
static void
put_escaped(struct buffer *line, struct slice text, bool json)
{
	size_t len = text.len < VALUE_LIMIT ? text.len : VALUE_LIMIT;

	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text.p[i];
		bool c1 = c == 0xc2 && i + 1 < len && (unsigned char)text.p[i + 1] < 0xa0;

		if (c < 0x20 || c == 0x7f || c1)
			(void)buffer_printf(line, json ? "\\u%04x" : "\\x%02x", c);
		else if (c == '"' || c == '\\')
			(void)buffer_printf(line, "\\%c", c);
		else
			(void)buffer_append(line, slice_make(text.p + i, 1));
	}
	if (len < text.len)
		(void)buffer_text(line, "...");
}

static bool
needs_quotes(struct slice text)
{
	for (size_t i = 0; i < text.len; i++) {
		if (text.p[i] == ' ' || text.p[i] == '"' || text.p[i] == '=')
			return true;
	}
	return text.len == 0;
}

static void
put_field(struct buffer *line, const struct log_field *field, bool json)
{
	bool quotes = field->text.p != NULL && (json || needs_quotes(field->text));

	(void)buffer_printf(line, json ? ",\"%s\":" : " %s=", field->name);
	if (field->text.p == NULL) {
		(void)buffer_printf(line, "%lld", (long long)field->number);
		return;
	}
	if (quotes)
		(void)buffer_text(line, "\"");
	put_escaped(line, field->text, json);
	if (quotes)
		(void)buffer_text(line, "\"");
}

static void
put_head(struct buffer *line, enum log_format format, enum log_level level, const char *sentence)
{
	char stamp[STAMP_CHARS + 1];

	stamp_write(clock_wall_ms(), stamp);
	if (format == LOG_JSON)
		(void)buffer_printf(line, "{\"time\":\"%s\",\"level\":\"%s\",\"event\":\"%s\"",
			stamp, level_names[level], sentence);
	else if (format == LOG_JOURNAL)
		(void)buffer_printf(line, "<%d>%s", journal_levels[level], sentence);
	else
		(void)buffer_printf(line, "%s %s: %s", stamp, level_names[level], sentence);
}

void
log_event(
	struct log *log, enum log_level level, const char *sentence, const struct log_field *fields)
{
	struct buffer line;

	if (log == NULL)
		return;
	buffer_init(&line, LINE_LIMIT);
	put_head(&line, log->format, level, sentence);
	for (; fields->name != NULL; fields++)
		put_field(&line, fields, log->format == LOG_JSON);
	(void)buffer_text(&line, log->format == LOG_JSON ? "}\n" : "\n");
	put(log, &line);
	buffer_finish(&line);
}
