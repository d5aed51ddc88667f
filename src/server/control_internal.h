/*
 * What the socket (control.c) and the verbs on it share. A verb gets a request with its words, and
 * ends it by control_ok or control_error, at once or later; before control_ok it may tell records.
 * To add one: a function in the file of its area, a line in control_verbs.c, and one in kithctl's
 * own table (tools/kithctl/verbs.c), which has the words for people.
 */
#ifndef SERVER_CONTROL_INTERNAL_H
#define SERVER_CONTROL_INTERNAL_H

#include "base/list.h"
#include "io/conn.h"
#include "proto/codec.h"
#include "proto/control_line.h"
#include "proto/jid.h"
#include "server/control.h"

struct shard;

enum { WORDS_MOST = 5 };

/* A request from its line to its answer; on shard 0. */
struct control_request {
	struct list link;              /* in control_client.requests */
	struct control_client *client; /* NULL: the client is gone */
	struct shard *shard;
	struct arena arena;             /* until it is answered */
	struct slice words[WORDS_MOST]; /* p NULL: not given */
	size_t count;
	struct buffer answer;
	bool is_done;
	bool has_fields; /* in the record that is being told */
	struct jid jid;  /* of control_read_jid */
	void *state;     /* the verb's own, in the arena */
};

/* The end of a request: it is gone afterwards. text: one sentence of cause, one of cure. */
void control_ok(struct control_request *request);
void control_error(struct control_request *request, const char *text);

/*
 * Calls gone when the client of the request is gone, also after the answer; NULL: does not any
 * more. One for each client.
 */
void control_when_gone(struct control_request *request, void (*gone)(void *arg), void *arg);

/*
 * The record that the following fields are of. All records of an answer have the same fields, in
 * the same order; for JSON a field's name is its key, for people its title. Names that end in
 * "bytes" are shown to people as sizes. control_answer.c.
 */
void control_record(struct control_request *request);
void control_text(struct control_request *request, const char *name, struct slice text);
void control_number(struct control_request *request, const char *name, int64_t number);
void control_flag(struct control_request *request, const char *name, bool flag);
/* texts may be empty. */
void control_list(
	struct control_request *request, const char *name, const struct slice_list *texts);
/* A moment, 0 for none. */
void control_time(struct control_request *request, const char *name, int64_t wall_ms);

/*
 * Reads a word as an address of a user of ours into request->jid: "name@host", or "name" when there
 * is one host; the first wants it bare, for the other it may have a resource. False: it was not,
 * and the request is answered. control_user.c.
 */
bool control_read_jid(struct control_request *request, struct slice word);
bool control_read_any_jid(struct control_request *request, struct slice word);

/* A registrar_done for requests: ends them, with a sentence and its cure. */
void control_answer_done(void *arg, int error);

struct control_verb {
	const char *name;
	size_t least, most; /* words, the verb itself among them */
	bool changes;       /* something: the log says so, with the first word behind the verb */
	void (*run)(struct control_request *request);
};

/* control_verbs.c; name NULL at the end. */
extern const struct control_verb control_verbs[];

/* control_user.c */
void control_user_add(struct control_request *request);
void control_user_passwd(struct control_request *request);
void control_user_delete(struct control_request *request);
void control_user_list(struct control_request *request);
void control_user_show(struct control_request *request);
void control_user_disable(struct control_request *request);
void control_user_enable(struct control_request *request);

/* control_admin.c */
void control_admin_list(struct control_request *request);
void control_admin_add(struct control_request *request);
void control_admin_remove(struct control_request *request);

/* control_profile.c */
void control_roster(struct control_request *request);
void control_vcard(struct control_request *request);

/* control_session.c */
void control_sessions(struct control_request *request);
void control_kick(struct control_request *request);
void control_announce(struct control_request *request);

/* control_backup.c */
void control_backup(struct control_request *request);
void control_backup_taken(struct control_request *request);

/* control_memory.c */
void control_memory(struct control_request *request);

/* control_transfer.c */
void control_user_export(struct control_request *request);
void control_user_import_xml(struct control_request *request);

/* control_server.c */
void control_stats(struct control_request *request);
void control_log_level(struct control_request *request);
void control_status(struct control_request *request);
void control_reload(struct control_request *request);
void control_restart(struct control_request *request);
void control_stop_server(struct control_request *request);

#endif
