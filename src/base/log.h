/*
 * Logging: one event per line, a sentence and then fields. Lines go into a ring that a thread of
 * the logger's own writes out, so a slow disk or terminal never stops a loop; when the ring is
 * full, lines are counted and dropped; statistics tell the count. Control characters in values are
 * escaped. Secrets never become fields.
 *
 *	log_info(log, "session bound", F_JID("jid", jid), F_UINT("resources", n));
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/slice.h"

enum log_level { LOG_ERROR, LOG_WARNING, LOG_INFO, LOG_DEBUG };

enum log_format {
	LOG_TEXT,    /* "2026-11-23T03:15:00Z info: session bound jid=a@b resources=1" */
	LOG_JSON,    /* one object a line */
	LOG_JOURNAL, /* lines with a level for systemd: "<6>session bound jid=…" */
};

struct log_field {
	const char *name;  /* NULL ends the list */
	struct slice text; /* when p is not NULL; else number */
	int64_t number;
};

#define F_TEXT(name, slice_) ((struct log_field){ (name), (slice_), 0 })
#define F_STR(name, string) ((struct log_field){ (name), slice_of(string), 0 })
#define F_UINT(name, n) ((struct log_field){ (name), NO_SLICE, (int64_t)(n) })
#define F_INT(name, n) ((struct log_field){ (name), NO_SLICE, (int64_t)(n) })

struct log;

/* fd: where lines go, not closed by us. The writer thread starts with the first line. */
struct log *log_create(int fd, enum log_format format, enum log_level level);

/*
 * Of LOG_JOURNAL: entries with fields go to the journal's socket at that path (NULL: systemd's).
 * When nobody listens there, one warning and all lines go to fd. Before the first line.
 */
void log_use_journal(struct log *log, const char *socket_path);

/* Writes out what is left, ends the thread, sets *log to NULL. */
void log_destroy(struct log **log);

/* Takes effect at once; any thread. */
void log_set_level(struct log *log, enum log_level level);
enum log_level log_level(const struct log *log);
bool log_wants(const struct log *log, enum log_level level);

/* "error", "warning", "info", "debug"; 0, or -EINVAL: it is none of these. */
const char *log_level_name(enum log_level level);
int log_level_read(struct slice name, enum log_level *level_out);

/* Lines dropped because the ring was full or the journal did not take them. */
uint64_t log_dropped(const struct log *log);

/* One line; any thread, never blocks. log may be NULL: nothing happens. */
void log_event(struct log *log, enum log_level level, const char *sentence,
	const struct log_field *fields);

#define log_at(log, level, sentence, ...) \
	do { \
		if (log_wants((log), (level))) \
			log_event((log), (level), (sentence), \
				(const struct log_field[]){ __VA_ARGS__ __VA_OPT__(, ){ 0 } }); \
	} while (0)
#define log_error(log, ...) log_at(log, LOG_ERROR, __VA_ARGS__)
#define log_warning(log, ...) log_at(log, LOG_WARNING, __VA_ARGS__)
#define log_info(log, ...) log_at(log, LOG_INFO, __VA_ARGS__)
#define log_debug(log, ...) log_at(log, LOG_DEBUG, __VA_ARGS__)

#endif
