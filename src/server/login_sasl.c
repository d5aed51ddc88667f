/*
 * SASL of a login: the machine of proto/sasl_server.h says what it needs, and login_keys.c fetches
 * it; what it can know of the connection (bindings, the names in a certificate) it is told before.
 */
#include "server/account_internal.h"
#include "server/login_internal.h"
#include "server/login_sasl2.h"
#include "server/places.h"
#include "server/server_internal.h"
#include "server/throttle.h"

#include "base/random.h"
#include "io/tls.h"
#include "proto/cert_names.h"

#include <openssl/crypto.h>
#include <openssl/x509.h>

enum { BINDING_BYTES = 64, CERTIFICATE_BYTES = 64 * 1024 };

unsigned
login_mechanisms(const struct login *login)
{
	const struct auth_config *conf = login->shard->server->core->auth;
	bool is_tls = conn_is_tls(login->conn);
	unsigned set = SASL_BIT(SASL_SCRAM_SHA_256) | SASL_BIT(SASL_SCRAM_SHA_512);

	if (conf->scram_sha_1)
		set |= SASL_BIT(SASL_SCRAM_SHA_1);
	if (is_tls) {
		set |= SASL_BIT(SASL_SCRAM_SHA_256_PLUS) | SASL_BIT(SASL_SCRAM_SHA_512_PLUS);
		if (conf->scram_sha_1)
			set |= SASL_BIT(SASL_SCRAM_SHA_1_PLUS);
	}
	if (conf->plain)
		set |= SASL_BIT(SASL_PLAIN);
	if (conf->anonymous)
		set |= SASL_BIT(SASL_ANONYMOUS);
	if (conf->external && is_tls && conn_has_certificate(login->conn))
		set |= SASL_BIT(SASL_EXTERNAL);
	return set;
}

const char *const *
login_bindings(const struct login *login)
{
	static const char *const names[] = { "tls-server-end-point", "tls-exporter", NULL };

	return (login->offered & SASL_PLUS_BITS) != 0 ? names : NULL;
}

/* As stream_write_features wrote it. */
static struct slice
offer_text(struct login *login)
{
	const char *const *bindings = login_bindings(login);
	struct slice mechanisms[SASL_MECHANISMS], kinds[SASL_BINDINGS];
	struct sasl_offer offer = { .mechanisms = mechanisms, .bindings = kinds };

	for (unsigned m = SASL_NO_MECHANISM + 1; m < SASL_MECHANISMS; m++) {
		if ((login->offered & SASL_BIT(m)) != 0)
			mechanisms[offer.mechanism_count++] = slice_of(
				sasl_mechanism_name((enum sasl_mechanism)m));
	}
	for (; bindings != NULL && *bindings != NULL; bindings++)
		kinds[offer.binding_count++] = slice_of(*bindings);
	return sasl_offer_text(&offer, &login->arena);
}

static struct slice
keep_binding(struct login *login, const char *bytes, size_t len)
{
	return len == 0 ? NO_SLICE : arena_copy(&login->arena, slice_make(bytes, len));
}

static struct sasl_bindings
bindings(struct login *login)
{
	struct sasl_bindings b = { 0 };
	char bytes[BINDING_BYTES];

	b.data[SASL_TLS_EXPORTER] = keep_binding(
		login, bytes, conn_tls_exporter(login->conn, bytes));
	b.data[SASL_TLS_SERVER_END_POINT] = keep_binding(
		login, bytes, conn_tls_end_point(login->conn, bytes));
	b.data[SASL_TLS_UNIQUE] = keep_binding(login, bytes, conn_tls_unique(login->conn, bytes));
	return b;
}

/* XEP-0178: the addresses of this host in a verified certificate. */
static size_t
identities(struct login *login, struct slice **list_out)
{
	struct buffer der;
	struct cert_names names = { 0 };
	const unsigned char *at;
	X509 *certificate = NULL;
	size_t count = 0;

	buffer_init(&der, CERTIFICATE_BYTES);
	if (conn_peer_certificate(login->conn, &der)) {
		at = (const unsigned char *)der.data;
		certificate = d2i_X509(NULL, &at, (long)der.len);
	}
	if (certificate != NULL)
		(void)cert_names_read(certificate, &login->arena, &names);
	*list_out = arena_array(&login->arena, names.xmpp.count + 1, struct slice);
	for (size_t i = 0; i < names.xmpp.count; i++) {
		struct jid jid;

		if (jid_parse(names.xmpp.v[i], &login->arena, &jid) == 0 && jid.local_len > 0 &&
			jid.resource_len == 0 &&
			slice_is(jid_domain(&jid), host_domain(login->host)))
			(*list_out)[count++] = arena_copy(&login->arena, jid.full);
	}
	X509_free(certificate);
	buffer_finish(&der);
	return count;
}

/* Only who binds the channel pays for what binds it. */
static bool
wants_binding(enum sasl_mechanism mechanism)
{
	return (SASL_BIT(mechanism) & SASL_PLUS_BITS) != 0;
}

static struct sasl_server_config
config_of(struct login *login)
{
	struct server *server = login->shard->server;
	struct sasl_server_config config = {
		.offered = login->offered,
		.domain = host_domain(login->host),
		.secret = slice_make(server->fake_salt_secret, sizeof(server->fake_salt_secret)),
		.iterations = server->core->auth->iterations,
	};
	struct slice *list = NULL;

	if ((SASL_BIT(login->mechanism) & SASL_SCRAM_BITS) != 0)
		config.offer = offer_text(login);
	if (wants_binding(login->mechanism))
		config.bindings = bindings(login);
	if (login->mechanism == SASL_EXTERNAL) {
		config.identity_count = identities(login, &list);
		config.identities = list;
	}
	return config;
}

void
login_end_sasl(struct login *login)
{
	sasl_server_finish(&login->sasl);
	if (login->message.len > 0)
		OPENSSL_cleanse((void *)(uintptr_t)login->message.p, login->message.len);
	login->message = NO_SLICE;
	login->stream.in_sasl = false;
}

/* The bare address of who signed in; false if there cannot be one. */
static bool
set_user(struct login *login, struct slice user)
{
	char token[TOKEN_CHARS + 1];
	struct jid jid;

	if (user.p == NULL) {
		/* XEP-0175: a name that nobody can have had before. */
		random_token(token);
		user = slice_of(token);
		login->is_anonymous = true;
	}
	if (memchr(user.p, '@', user.len) != NULL) {
		if (jid_parse(user, &login->arena, &jid) < 0)
			return false;
	} else if (jid_make(user, host_domain(login->host), NO_SLICE, &login->arena, &jid) < 0) {
		return false;
	}
	login->user = jid_copy(&jid, &login->arena);
	return true;
}

/* Where the account was signed in to by a password. */
static void
remember_place(struct login *login)
{
	if (login->mechanism != SASL_ANONYMOUS && login->mechanism != SASL_EXTERNAL)
		places_remember(login->shard->places, login->user.full,
			throttle_network(conn_peer(login->conn)));
}

static void
succeed2(struct login *login, struct account *acct)
{
	remember_place(login);
	login_succeed2(login, acct);
}

static void
succeed(struct login *login)
{
	struct slice data = sasl_data_encode(login->step.data, &login->arena);

	remember_place(login);
	stream_write_success(conn_output(login->conn), data);
	login_end_sasl(login);
	login_continue(login);
	login_authenticated(login);
}

void
login_refuse_user(struct login *login, enum sasl_condition condition, const char *text)
{
	login->user = (struct jid){ 0 };
	login->step.condition = condition;
	login->step.text = text;
	login_fail(login);
}

void
login_account_found(struct login *login, struct account *acct)
{
	bool exists = acct != NULL && acct->exists;

	login->waits = false;
	if (!exists && login->mechanism == SASL_EXTERNAL)
		login_refuse_user(login, SASL_NOT_AUTHORIZED, NULL);
	else if (!exists) /* its keys were there a moment ago */
		login_refuse_user(login, SASL_TEMPORARY_AUTH_FAILURE, NULL);
	else if (acct->is_disabled)
		login_refuse_user(
			login, SASL_ACCOUNT_DISABLED, "An administrator disabled this account");
	else if (login->sasl2 != NULL)
		succeed2(login, acct);
	else
		succeed(login);
}

/* At home. Binding will need the account anyway. */
void
login_ask_account(struct login *login)
{
	struct shard *shard = login->shard;
	struct account *acct = account_find(shard, login->user.full);

	if (acct == NULL && login->is_anonymous)
		acct = account_create_anonymous(shard, login->host, &login->user);
	else if (acct == NULL)
		acct = account_load(shard, login->host, &login->user);
	account_wait(acct, login);
}

/*
 * The machine is content, but <success/> waits until the account is in memory, because afterwards
 * there is no way to say no that a client understands: it may be disabled, and a certificate (XEP-
 * 0178, 2) may name somebody who has no account.
 */
static void
confirm(struct login *login)
{
	struct shard *home;

	if (!set_user(login, login->step.user)) {
		login_refuse_user(login, SASL_NOT_AUTHORIZED, NULL);
		return;
	}
	if (login->is_anonymous && login->sasl2 == NULL) {
		succeed(login);
		return;
	}
	login_wait(login);
	home = server_home(login->shard->server, login->user.full);
	if (home == login->shard) {
		login_ask_account(login);
	} else {
		sasl_server_finish(&login->sasl);
		login_move(login, home, login_ask_account);
	}
}

void
login_take_step(struct login *login, struct sasl_server_step step)
{
	struct slice user = login->step.user;

	login->step = step;
	if (step.user.p == NULL && step.verdict == SASL_FAILURE)
		login->step.user = user; /* so that the failure counts against the name */
	switch (step.verdict) {
	case SASL_CHALLENGE:
		login->step.user = user;
		stream_write_challenge(conn_output(login->conn), login->sasl2 != NULL,
			sasl_data_encode(step.data, &login->arena));
		login_continue(login);
		break;
	case SASL_NEED_CREDENTIALS:
	case SASL_NEED_CHECK:
		login_look_up(login);
		break;
	case SASL_SUCCESS:
		confirm(login);
		break;
	default:
		login_fail(login);
	}
}

void
login_begin_sasl(struct login *login)
{
	struct sasl_server_config config = config_of(login);

	login->sasl = sasl_server_create(&login->arena, login->shard->sasl, &config);
	login_take_step(
		login, sasl_server_start(login->sasl, login->mechanism_name, login->message));
}

void
login_refuse(struct login *login, enum sasl_condition condition, const char *text)
{
	login->step = (struct sasl_server_step){
		.verdict = SASL_FAILURE,
		.user = login->step.user,
		.condition = condition,
		.text = text,
	};
	login_fail(login);
}

static void
begin(struct login *login, struct slice mechanism)
{
	login->mechanism = sasl_mechanism_find(mechanism);
	login->mechanism_name = arena_copy(&login->arena, mechanism);
	if (login->sasl2 != NULL && ht_find(mechanism) != HT_KINDS)
		login_start_fast(login, ht_find(mechanism));
	else
		login_begin_sasl(login);
}

static void
take_response(struct login *login)
{
	login_take_step(login, sasl_server_step(login->sasl, login->message));
}

bool
login_start_sasl(struct login *login, const struct stream_event *event)
{
	/* XEP-0388, 4.9: once <continue/> was sent, there is no other beginning. */
	if (login_is_in_task(login)) {
		login_end(login, STREAM_POLICY_VIOLATION, "A task of your sign-in is under way");
		return false;
	}
	login->step = (struct sasl_server_step){ 0 };
	login->claimed = (struct jid){ 0 };
	login->is_admitted = false;
	login->keys.iterations = 0; /* of an attempt before, perhaps as somebody else */
	login->sasl2 = NULL;
	if (event->is_sasl2)
		login_ask2(login, event->element);
	if ((login->stream.features & (event->is_sasl2 ? FEATURE_SASL2 : FEATURE_SASL)) == 0)
		login_refuse(login, SASL_ENCRYPTION_REQUIRED, "Use STARTTLS first");
	else if (conn_is_early(login->conn) && !login_is_counted(login, event->mechanism))
		login_refuse(login, SASL_NOT_AUTHORIZED,
			"Early data may bring a use of a token that is counted, and nothing else");
	else if (sasl_data_decode(event->data, &login->arena, &login->message) < 0)
		login_refuse(login, SASL_INCORRECT_ENCODING, NULL);
	else
		begin(login, event->mechanism);
	return true;
}

void
login_continue_sasl(struct login *login, const struct stream_event *event)
{
	if (login_is_in_task(login))
		login_refuse_task(login, SASL_MALFORMED_REQUEST, "A task is what is under way");
	else if (login->sasl == NULL || event->is_sasl2 != (login->sasl2 != NULL))
		login_refuse(login, SASL_MALFORMED_REQUEST,
			"A response comes after its beginning, in the same namespace");
	else if (sasl_data_decode(event->data, &login->arena, &login->message) < 0)
		login_refuse(login, SASL_INCORRECT_ENCODING, NULL);
	else
		login_admit(login, take_response);
}

void
login_abort_sasl(struct login *login)
{
	if (login_is_in_task(login))
		login_refuse_task(login, SASL_ABORTED, NULL);
	else if (login->sasl == NULL)
		login_refuse(login, SASL_ABORTED, NULL);
	else
		login_take_step(login, sasl_server_abort(login->sasl));
}
