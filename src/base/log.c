/*
 * A byte ring under a mutex, emptied by one thread. The lock is held for a memcpy on both sides
 * and never across a write, so a loop waits for a copy at worst.
 */
#include "base/log.h"

#include "base/buffer.h"
#include "base/clock.h"
#include "base/journal.h"
#include "base/utf8.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { RING_BYTES = 256 * 1024, LINE_LIMIT = 4096, VALUE_LIMIT = 512, GATHER_MS = 20 };
enum { ENTRY_LIMIT = 4 * LINE_LIMIT, CHUNK = ENTRY_LIMIT };

struct log {
	int fd;
	enum log_format format;
	_Atomic(int) level;
	_Atomic(uint64_t) dropped;
	pthread_mutex_t lock;
	pthread_cond_t filled;
	pthread_t writer;
	struct journal *journal; /* NULL: lines go to fd */
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

enum log_level
log_level(const struct log *log)
{
	return (enum log_level)atomic_load(&log->level);
}

const char *
log_level_name(enum log_level level)
{
	return level_names[level];
}

int
log_level_read(struct slice name, enum log_level *level_out)
{
	for (size_t i = 0; i < COUNT_OF(level_names); i++) {
		if (!slice_is_text(name, level_names[i]))
			continue;
		*level_out = (enum log_level)i;
		return 0;
	}
	return -EINVAL;
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

/* Takes n bytes out of the ring, which has them. */
static void
copy_out(struct log *log, char *out, size_t n)
{
	size_t first = n < RING_BYTES - log->start ? n : RING_BYTES - log->start;

	memcpy(out, log->ring + log->start, first);
	memcpy(out + first, log->ring, n - first);
	log->start = (log->start + n) % RING_BYTES;
	log->used -= n;
}

/* Some lines, or one entry for the journal; waits while there is none. 0 at the end. */
static size_t
take(struct log *log, char out[CHUNK])
{
	uint32_t n;

	(void)pthread_mutex_lock(&log->lock);
	if (log->used == 0 && !log->ending) {
		while (log->used == 0 && !log->ending)
			(void)pthread_cond_wait(&log->filled, &log->lock);
		gather(log);
	}
	n = log->used < CHUNK ? (uint32_t)log->used : CHUNK;
	if (log->journal != NULL && n > 0)
		copy_out(log, (char *)&n, sizeof(n));
	copy_out(log, out, n);
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
	char chunk[CHUNK];
	size_t n;

	while ((n = take(log, chunk)) > 0) {
		if (log->journal == NULL)
			write_all(log->fd, chunk, n);
		else if (journal_send(log->journal, slice_make(chunk, n)) < 0)
			atomic_fetch_add(&log->dropped, 1);
	}
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
	journal_close(&log->journal);
	free(log);
}

/* Into the ring, which has room. */
static void
copy_in(struct log *log, struct slice bytes)
{
	size_t at = (log->start + log->used) % RING_BYTES;
	size_t first = bytes.len < RING_BYTES - at ? bytes.len : RING_BYTES - at;

	memcpy(log->ring + at, bytes.p, first);
	memcpy(log->ring, bytes.p + first, bytes.len - first);
	log->used += bytes.len;
}

/* Entries for the journal have their length before them. */
static void
put(struct log *log, const struct buffer *line)
{
	uint32_t length = (uint32_t)line->len;
	size_t head = log->journal == NULL ? 0 : sizeof(length);

	(void)pthread_mutex_lock(&log->lock);
	if (head + line->len > RING_BYTES - log->used) {
		atomic_fetch_add(&log->dropped, 1);
	} else {
		copy_in(log, slice_make((const char *)&length, head));
		copy_in(log, buffer_slice(line));
		if (!log->has_writer)
			log->has_writer = pthread_create(&log->writer, NULL, write_lines, log) == 0;
		if (log->used == head + line->len || log->used >= RING_BYTES / 2)
			(void)pthread_cond_signal(&log->filled);
	}
	(void)pthread_mutex_unlock(&log->lock);
}

/* One character, or one byte that is none; how many bytes it was. */
static size_t
put_character(struct buffer *line, const char *at, const char *end, bool json)
{
	uint32_t code = (unsigned char)*at;
	int len = utf8_decode(at, end, &code);

	if (len <= 0)
		(void)buffer_printf(line, json ? "\\ufffd" : "\\x%02x", code);
	else if (code == '"' || code == '\\')
		(void)buffer_printf(line, "\\%c", (char)code);
	else if (utf8_is_plain(code))
		(void)buffer_append(line, slice_make(at, (size_t)len));
	else
		(void)buffer_printf(line, code < 0x80 && !json ? "\\x%02x" : "\\u%04x", code);
	return len <= 0 ? 1 : (size_t)len;
}

/* What could move a cursor, begin a new line or turn the text round is shown by its number. */
static void
put_escaped(struct buffer *line, struct slice text, bool json)
{
	size_t at = 0;

	while (at < text.len && at < VALUE_LIMIT)
		at += put_character(line, text.p + at, text.p + text.len, json);
	if (at < text.len)
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

static void
put_line(struct buffer *line, enum log_format format, enum log_level level, const char *sentence,
	const struct log_field *fields)
{
	put_head(line, format, level, sentence);
	for (; fields->name != NULL; fields++)
		put_field(line, fields, format == LOG_JSON);
	(void)buffer_text(line, format == LOG_JSON ? "}\n" : "\n");
}

static void
add_number(struct buffer *entry, const char *name, int64_t number)
{
	char digits[24];

	(void)snprintf(digits, sizeof(digits), "%lld", (long long)number);
	(void)journal_add(entry, name, slice_of(digits));
}

/* The line as people read it, its sentence to look for, and each field under a name of ours. */
static void
put_entry(struct buffer *entry, enum log_level level, const char *sentence,
	const struct log_field *fields)
{
	struct buffer line;
	char name[64];

	buffer_init(&line, LINE_LIMIT);
	put_line(&line, LOG_JOURNAL, level, sentence, fields);
	/* Without "<6>" and the newline. */
	(void)journal_add(entry, "MESSAGE", slice_make(line.data + 3, line.len - 4));
	buffer_finish(&line);
	add_number(entry, "PRIORITY", journal_levels[level]);
	(void)journal_add(entry, "SYSLOG_IDENTIFIER", slice_of(program_invocation_short_name));
	(void)journal_add(entry, "KITH_EVENT", slice_of(sentence));
	for (; fields->name != NULL; fields++) {
		(void)snprintf(name, sizeof(name), "KITH_%s", fields->name);
		if (fields->text.p == NULL)
			add_number(entry, name, fields->number);
		else
			(void)journal_add(entry, name, fields->text);
	}
}

void
log_event(
	struct log *log, enum log_level level, const char *sentence, const struct log_field *fields)
{
	struct buffer line;

	if (log == NULL)
		return;
	buffer_init(&line, log->journal == NULL ? LINE_LIMIT : ENTRY_LIMIT);
	if (log->journal == NULL)
		put_line(&line, log->format, level, sentence, fields);
	else
		put_entry(&line, level, sentence, fields);
	put(log, &line);
	buffer_finish(&line);
}

void
log_use_journal(struct log *log, const char *socket_path)
{
	log->journal = journal_open(socket_path);
	if (log->journal == NULL)
		log_warning(log,
			"the journal cannot be reached and lines go to standard error; set "
			"server.log_format = text if there is no systemd");
}
