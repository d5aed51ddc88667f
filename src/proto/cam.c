/* Tables, and a row: six lines. */
#include "proto/cam.h"

#include "base/clock.h"

static const struct field auth_fields[] = {
	CHILD_FLAG(struct cam_auth, password, "password"),
	CHILD_FLAG(struct cam_auth, fast, "fast"),
	FIELDS_END(struct cam_auth),
};
static const struct field permission_fields[] = {
	ATTR_TEXT(struct cam_permission, status, "status"),
	FIELDS_END(struct cam_permission),
};
static const struct field agent_fields[] = {
	CHILD_TEXT(struct cam_agent, software, "software"),
	CHILD_TEXT(struct cam_agent, device, "device"),
	FIELDS_END(struct cam_agent),
};
static const struct field client_fields[] = {
	ATTR_TEXT(struct cam_client, connected, "connected"),
	ATTR_TEXT(struct cam_client, id, "id"),
	ATTR_TEXT(struct cam_client, type, "type"),
	CHILD_TEXT(struct cam_client, first_seen, "first-seen"),
	CHILD_TEXT(struct cam_client, last_seen, "last-seen"),
	CHILD_LIST(struct cam_client, auth, "auth", auth_fields),
	CHILD_LIST(struct cam_client, permission, "permission", permission_fields),
	CHILD_LIST(struct cam_client, agent, "user-agent", agent_fields),
	FIELDS_END(struct cam_client),
};
static const struct field clients_fields[] = {
	CHILD_LIST(struct cam_clients, clients, "client", client_fields),
	FIELDS_END(struct cam_clients),
};
static const struct field revoke_fields[] = {
	ATTR_TEXT(struct cam_revoke, id, "id"),
	FIELDS_END(struct cam_revoke),
};
const struct payload cam_list_payload = { "list", NS_CAM, NULL };
const struct payload cam_clients_payload = { "clients", NS_CAM, clients_fields };
const struct payload cam_revoke_payload = { "revoke", NS_CAM, revoke_fields };
const struct payload cam_reset_payload = { "password-reset-required", NS_CAM, NULL };

static struct slice
take_line(struct slice *rest)
{
	size_t end = slice_find(*rest, '\n');
	struct slice line = slice_make(rest->p, end);

	*rest = slice_from(*rest, end < rest->len ? end + 1 : end);
	return line.len == 0 ? NO_SLICE : line;
}

bool
cam_row_read(struct slice text, struct cam_row *out)
{
	uint64_t first, seen;

	*out = (struct cam_row){ .id = take_line(&text) };
	if (out->id.p == NULL || slice_to_uint(take_line(&text), INT64_MAX, &first) < 0 ||
		slice_to_uint(take_line(&text), INT64_MAX, &seen) < 0)
		return false;
	out->first_ms = (int64_t)first;
	out->seen_ms = (int64_t)seen;
	out->by_password = slice_is_text(take_line(&text), "password");
	out->software = take_line(&text);
	out->device = take_line(&text);
	return true;
}

/* A client's own words, on one line. */
static struct slice
one_line(struct slice words, struct arena *arena)
{
	struct slice copy = arena_copy(arena, words);
	char *at = (char *)(uintptr_t)copy.p;

	for (size_t i = 0; i < copy.len; i++) {
		if ((unsigned char)at[i] < ' ')
			at[i] = ' ';
	}
	return copy;
}

struct slice
cam_row_write(const struct cam_row *row, struct arena *arena)
{
	struct slice software = one_line(row->software, arena);
	struct slice device = one_line(row->device, arena);

	return arena_printf(arena, "%.*s\n%lld\n%lld\n%s\n%.*s\n%.*s", SLICE_ARG(row->id),
		(long long)row->first_ms, (long long)row->seen_ms,
		row->by_password ? "password" : "token", SLICE_ARG(software), SLICE_ARG(device));
}

static struct slice
stamp(int64_t wall_ms, struct arena *arena)
{
	char text[STAMP_CHARS + 1];

	stamp_write(wall_ms, text);
	return arena_copy(arena, slice_of(text));
}

/* What a user may do, so may each of the clients. */
struct cam_client
cam_describe(const struct cam_row *row, int64_t now_ms, bool is_connected, bool has_tokens,
	struct arena *arena)
{
	struct cam_auth *auth = arena_new(arena, struct cam_auth);
	struct cam_permission *permission = arena_new(arena, struct cam_permission);
	struct cam_agent *agent = arena_new(arena, struct cam_agent);
	int64_t seen = is_connected ? now_ms : row->seen_ms;

	*auth = (struct cam_auth){ .password = row->by_password, .fast = has_tokens };
	permission->status = SLICE("unrestricted");
	*agent = (struct cam_agent){ row->software, row->device };
	return (struct cam_client){
		.connected = is_connected ? SLICE("true") : SLICE("false"),
		.id = row->id,
		.type = SLICE("session"),
		.first_seen = stamp(row->first_ms, arena),
		.last_seen = stamp(seen, arena),
		.auth = { auth, 1 },
		.permission = { permission, 1 },
		.agent = { agent, row->software.len > 0 || row->device.len > 0 },
	};
}
