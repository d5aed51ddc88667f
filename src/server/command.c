/*
 * The way of a command from request to answer. What its functions are given is copied into its
 * arena, since the request goes with the answer and the user may come back to an earlier form.
 */
#include "server/command_internal.h"

#include "server/registrar.h"
#include "server/server_internal.h"

#include <stdlib.h>

struct note {
	struct slice type, text;
};
struct actions {
	struct slice execute;
	bool prev, next, complete;
};

/* <command/>, both ways. */
struct request {
	struct slice node, id, action; /* what is asked */
	struct slice status, lang;     /* what is answered */
	struct actions_list {
		struct actions *v;
		size_t count;
	} actions;
	struct note_list {
		struct note *v;
		size_t count;
	} notes;
	struct form_list forms;
};

static const struct field note_fields[] = {
	ATTR_TEXT(struct note, type, "type"),
	OWN_TEXT(struct note, text),
	FIELDS_END(struct note),
};
static const struct field actions_fields[] = {
	ATTR_TEXT(struct actions, execute, "execute"),
	CHILD_FLAG(struct actions, prev, "prev"),
	CHILD_FLAG(struct actions, next, "next"),
	CHILD_FLAG(struct actions, complete, "complete"),
	FIELDS_END(struct actions),
};
static const struct field command_fields[] = {
	ATTR_TEXT(struct request, node, "node"),
	ATTR_TEXT(struct request, id, "sessionid"),
	ATTR_TEXT(struct request, action, "action"),
	ATTR_TEXT(struct request, status, "status"),
	ATTR_TEXT(struct request, lang, "xml:lang"),
	CHILD_LIST(struct request, actions, "actions", actions_fields),
	CHILD_LIST(struct request, notes, "note", note_fields),
	CHILD_FORMS(struct request, forms),
	FIELDS_END(struct request),
};
const struct payload command_payload = { "command", NS_COMMANDS, command_fields };

/* XEP-0050 4.4: the conditions that say more than RFC 6120's. */
static const struct payload malformed_action = { "malformed-action", NS_COMMANDS, NULL };
static const struct payload bad_action = { "bad-action", NS_COMMANDS, NULL };
static const struct payload bad_payload = { "bad-payload", NS_COMMANDS, NULL };
static const struct payload bad_sessionid = { "bad-sessionid", NS_COMMANDS, NULL };
static const struct payload session_expired = { "session-expired", NS_COMMANDS, NULL };

enum action { ACTION_EXECUTE, ACTION_CANCEL, ACTION_PREV, ACTION_NEXT, ACTION_COMPLETE, ACTIONS };

static const char *const action_names[ACTIONS] = {
	[ACTION_EXECUTE] = "execute",
	[ACTION_CANCEL] = "cancel",
	[ACTION_PREV] = "prev",
	[ACTION_NEXT] = "next",
	[ACTION_COMPLETE] = "complete",
};

/* ---- Answers ---- */

static void
time_out(struct timer *timer)
{
	command_destroy(container_of(timer, struct command, timer));
}

/* Answers the request that is under way. The command is gone if it is over, or its user is. */
static void
answer(struct command *cmd, struct request *answer, bool is_over)
{
	struct iq *iq = cmd->iq;

	cmd->iq = NULL;
	answer->node = slice_of(cmd->entry->node);
	answer->id = cmd->id;
	answer->lang = SLICE("en");
	iq_result(iq, &command_payload, answer);
	if (is_over || cmd->user_gone) {
		command_destroy(cmd);
		return;
	}
	cmd->timer.fire = time_out;
	timer_start(cmd->shard->loop, &cmd->timer, cmd->timeout_ms);
}

static void
end(struct command *cmd, const char *type, const char *text)
{
	struct note note = { slice_of(type), slice_of(text) };
	struct request completed = {
		.status = SLICE("completed"),
		.notes = { &note, text != NULL },
	};

	answer(cmd, &completed, true);
}

void
command_done(struct command *cmd, const char *note)
{
	end(cmd, "info", note);
}

void
command_fail(struct command *cmd, const char *why)
{
	end(cmd, "error", why);
}

void
command_tell(struct command *cmd, const struct form_spec *form, const void *data)
{
	struct form told = form_tell(form, data, &cmd->arena);
	struct request completed = { .status = SLICE("completed"), .forms = { &told, 1 } };

	answer(cmd, &completed, true);
}

void
command_tell_with(struct command *cmd, const struct form_spec *form, const void *data,
	const struct payload *payload, const void *inner)
{
	struct form told = form_tell(form, data, &cmd->arena);
	struct request completed = { .status = SLICE("completed"), .forms = { &told, 1 } };
	struct buffer xml;

	buffer_init(&xml, LIMIT_STORED_STANZA);
	codec_encode(&xml, payload, inner);
	told.more = arena_copy(&cmd->arena, buffer_slice(&xml));
	buffer_finish(&xml);
	answer(cmd, &completed, true);
}

void
command_refuse(struct command *cmd, enum stanza_condition condition, const char *text)
{
	struct iq *iq = cmd->iq;

	text = arena_copy(iq->arena, slice_of(text)).p;
	command_destroy(cmd);
	iq_error(iq, condition, text);
}

void
command_refuse_store(struct command *cmd, int error)
{
	command_refuse(cmd, registrar_condition(error), registrar_why(error));
}

/* Shows the form that was asked last. */
static void
show(struct command *cmd)
{
	const struct command_form *form = &cmd->forms[cmd->depth - 1];
	bool is_last = form->stage == COMMAND_LAST;
	struct form shown = form_ask(form->spec, form->has_data ? form->data : NULL, &cmd->arena);
	struct actions actions = {
		.execute = is_last ? SLICE("complete") : SLICE("next"),
		.prev = cmd->depth > 1,
		.next = !is_last,
		.complete = is_last,
	};
	struct request executing = {
		.status = SLICE("executing"),
		.actions = { &actions, 1 },
		.forms = { &shown, 1 },
	};

	answer(cmd, &executing, false);
}

void
command_ask(struct command *cmd, const struct form_spec *form, const void *data,
	enum command_stage stage, command_run *run)
{
	size_t size = form_size(form);
	struct command_form *asked;

	assert(cmd->depth < COMMAND_STAGES);
	asked = &cmd->forms[cmd->depth++];
	*asked = (struct command_form){
		.spec = form,
		.stage = stage,
		.run = run,
		.has_data = data != NULL,
	};
	asked->data = arena_alloc(&cmd->arena, size);
	if (data != NULL)
		memcpy(asked->data, data, size);
	show(cmd);
}

/* ---- Requests ---- */

/* Texts of a submitted form move to the command's arena. */
static struct form
copy_form(const struct form *form, struct arena *arena)
{
	struct form copy = { .type = arena_copy(arena, form->type) };

	/* XEP-0050 4.5.1: a form that says "cancel" is a submitted one. */
	if (slice_is_text(form->type, "cancel"))
		copy.type = SLICE("submit");
	copy.fields.v = arena_array(arena, form->fields.count + 1, struct form_field);
	for (size_t i = 0; i < form->fields.count; i++) {
		const struct form_field *from = &form->fields.v[i];
		struct form_field *to = &copy.fields.v[copy.fields.count++];

		to->var = arena_copy(arena, from->var);
		to->values.v = arena_array(arena, from->values.count + 1, struct slice);
		for (size_t j = 0; j < from->values.count; j++)
			to->values.v[to->values.count++] = arena_copy(arena, from->values.v[j]);
	}
	return copy;
}

/* The answers to the form that was asked last. NULL, and the request is answered. */
static void *
read_form(struct command *cmd, struct iq *iq, const struct request *request)
{
	const struct command_form *asked = &cmd->forms[cmd->depth - 1];
	size_t size = form_size(asked->spec);
	const char *why = "A form of type submit is missing";
	struct form form;
	void *data;

	if (cmd->arena.taken > COMMAND_BYTES) {
		command_destroy(cmd);
		iq_error(iq, RESOURCE_CONSTRAINT, "This command got too long; begin anew");
		return NULL;
	}
	data = arena_alloc(&cmd->arena, size);
	memcpy(data, asked->data, size);
	if (request->forms.count > 0) {
		form = copy_form(request->forms.v, &cmd->arena);
		if (form_read(asked->spec, &form, &cmd->arena, data, &why) == 0)
			return data;
	}
	why = arena_copy(iq->arena, slice_of(why)).p;
	iq_refuse(iq, BAD_REQUEST, why, &bad_payload);
	return NULL;
}

static void
go_on(struct command *cmd, struct iq *iq, const struct request *request)
{
	struct command_form *asked = &cmd->forms[cmd->depth - 1];
	void *data = read_form(cmd, iq, request);

	if (data == NULL)
		return;
	timer_stop(cmd->shard->loop, &cmd->timer);
	cmd->iq = iq;
	asked->data = data;
	asked->has_data = true;
	cmd->data = data;
	asked->run(cmd);
}

static void
go_back(struct command *cmd, struct iq *iq)
{
	cmd->depth--;
	cmd->iq = iq;
	show(cmd);
}

static void
cancel(struct command *cmd, struct iq *iq)
{
	struct request canceled = { .status = SLICE("canceled") };

	cmd->iq = iq;
	answer(cmd, &canceled, true);
}

static void
refuse_action(struct iq *iq, const char *why)
{
	iq_refuse(iq, BAD_REQUEST, why, &bad_action);
}

static void
continue_command(
	struct command *cmd, struct iq *iq, const struct request *request, enum action action)
{
	bool is_last;

	if (cmd->iq != NULL) {
		refuse_action(iq, "The last request of this command is still being worked on");
		return;
	}
	is_last = cmd->forms[cmd->depth - 1].stage == COMMAND_LAST;
	if (action == ACTION_EXECUTE)
		action = is_last ? ACTION_COMPLETE : ACTION_NEXT;
	if (action == ACTION_CANCEL)
		cancel(cmd, iq);
	else if (action == ACTION_PREV && cmd->depth > 1)
		go_back(cmd, iq);
	else if (action == ACTION_PREV)
		refuse_action(iq, "There is no earlier form");
	else if (is_last != (action == ACTION_COMPLETE))
		refuse_action(
			iq, is_last ? "This form is the last one" : "There are further forms");
	else
		go_on(cmd, iq, request);
}

static void
begin(struct iq *iq, const struct request *request, enum action action,
	const struct command_limits *limits)
{
	struct shard *shard = iq_shard(iq);
	const struct command_entry *entry = command_entry_find(shard->server, request->node);
	struct command *cmd;

	if (entry == NULL) {
		iq_error(iq, ITEM_NOT_FOUND, "This host has no such command");
		return;
	}
	if (!command_is_for(entry, shard, iq->host, &iq->st.from)) {
		iq_error(iq, FORBIDDEN, "You may not run this command");
		return;
	}
	if (action != ACTION_EXECUTE) {
		refuse_action(iq, "A command begins with execute");
		return;
	}
	cmd = command_create(shard, iq->host, entry, &iq->st.from, limits);
	if (cmd == NULL) {
		iq_error(iq, RESOURCE_CONSTRAINT, "Too many commands are under way; end some");
		return;
	}
	cmd->iq = iq;
	if (entry->form == NULL)
		entry->run(cmd);
	else
		command_ask(cmd, entry->form, NULL, COMMAND_LAST, entry->run);
}

/* ACTIONS: there is no such action. */
static enum action
action_of(struct slice name)
{
	unsigned action = ACTION_EXECUTE;

	if (name.p == NULL)
		return ACTION_EXECUTE;
	while (action < ACTIONS && !slice_is_text(name, action_names[action]))
		action++;
	return action;
}

void
command_take(struct iq *iq, const struct command_limits *limits)
{
	const struct request *request = iq_data(iq, &command_payload);
	enum action action = action_of(request->action);
	struct command *cmd;
	bool was_ours;

	if (action == ACTIONS) {
		iq_refuse(iq, BAD_REQUEST, "There is no such action", &malformed_action);
		return;
	}
	if (request->id.p == NULL) {
		begin(iq, request, action, limits);
		return;
	}
	cmd = command_find(iq_shard(iq)->commands, request->id, &iq->st.from, &was_ours);
	if (cmd == NULL && was_ours)
		iq_refuse(iq, NOT_ALLOWED, "This command is over; begin anew", &session_expired);
	else if (cmd == NULL || !slice_is_text(request->node, cmd->entry->node))
		iq_refuse(iq, BAD_REQUEST, "This is no session of yours", &bad_sessionid);
	else
		continue_command(cmd, iq, request, action);
}

/* ---- What commands see ---- */

const void *
command_data(const struct command *cmd)
{
	return cmd->data;
}

struct arena *
command_arena(struct command *cmd)
{
	return &cmd->arena;
}

struct host *
command_host(const struct command *cmd)
{
	return cmd->host;
}

struct shard *
command_shard(const struct command *cmd)
{
	return cmd->shard;
}

const struct jid *
command_user(const struct command *cmd)
{
	return &cmd->user;
}

void
command_keep(struct command *cmd, void *state)
{
	cmd->state = state;
}

void *
command_state(const struct command *cmd)
{
	return cmd->state;
}
