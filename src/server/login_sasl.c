/*
 * SASL of a login: the machine of proto/sasl_server.h says what it needs, and here it is fetched:
 * keys from the store, a check on a worker, the names in a certificate. Failures are counted and
 * their answers delayed.
 */
#include "server/credentials.h"
#include "server/login_internal.h"
#include "server/server_internal.h"
#include "server/throttle.h"

#include "base/random.h"
#include "io/tls.h"
#include "proto/cert_names.h"

#include <openssl/x509.h>

enum { TRIES = 3, BINDING_BYTES = 64, CERTIFICATE_BYTES = 64 * 1024 };

static void take_step(struct login *login, struct sasl_server_step step);

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
wants_binding(struct slice mechanism)
{
	return (SASL_BIT(sasl_mechanism_find(mechanism)) & SASL_PLUS_BITS) != 0;
}

static struct sasl_server_config
config_of(struct login *login, struct slice mechanism)
{
	struct server *server = login->shard->server;
	struct sasl_server_config config = {
		.offered = login_mechanisms(login),
		.domain = host_domain(login->host),
		.secret = slice_make(server->fake_salt_secret, sizeof(server->fake_salt_secret)),
		.iterations = server->core->auth->iterations,
	};
	struct slice *list = NULL;

	if (wants_binding(mechanism))
		config.bindings = bindings(login);
	if (sasl_mechanism_find(mechanism) == SASL_EXTERNAL) {
		config.identity_count = identities(login, &list);
		config.identities = list;
	}
	return config;
}

static void
end_sasl(struct login *login)
{
	sasl_server_finish(&login->sasl);
	login->stream.in_sasl = false;
}

static struct slice
peer_key(const struct login *login, char text[PEER_TEXT])
{
	peer_write(conn_peer(login->conn), text);
	return slice_of(text);
}

static void
log_failure(const struct login *login, const char *condition)
{
	char peer[PEER_TEXT];

	log_info(login->shard->server->log, "sign-in failed", F_TEXT("peer", peer_key(login, peer)),
		F_STR("condition", condition),
		F_TEXT("user", login->step.user.p == NULL ? SLICE("") : login->step.user),
		F_UINT("tries", login->failures));
}

static void
answer_failure(struct login *login)
{
	enum sasl_condition condition = login->step.condition;

	if (condition == SASL_NO_CONDITION)
		condition = SASL_NOT_AUTHORIZED;
	stream_write_failure(
		conn_output(login->conn), sasl_condition_name(condition), login->step.text);
	if (login->failures >= TRIES) {
		login_end(login, STREAM_POLICY_VIOLATION, "Too many failed attempts to sign in");
		return;
	}
	login_continue(login);
}

static void
delay_over(struct timer *timer)
{
	answer_failure(container_of(timer, struct login, delay));
}

/* The account's address for the name that the peer wrote; false: no account can have it. */
static bool
account_jid_of(struct login *login, struct jid *jid_out)
{
	return jid_make(login->step.user, host_domain(login->host), NO_SLICE, &login->arena,
		       jid_out) == 0;
}

/* Only what guesses is counted; a client that is merely wrong about SASL is not slowed down. */
static uint32_t
count_failure(struct login *login)
{
	struct shard *shard = login->shard;
	const struct auth_config *conf = shard->server->core->auth;
	uint64_t now = loop_now_ms(shard->loop);
	char peer[PEER_TEXT];
	unsigned by_peer, by_user = 0;
	struct jid jid;

	if (login->step.condition != SASL_NOT_AUTHORIZED)
		return 0;
	by_peer = throttle_fail(shard->throttle, peer_key(login, peer), now);
	if (login->step.user.len > 0 && account_jid_of(login, &jid))
		by_user = throttle_fail(shard->throttle, jid.full, now);
	return throttle_delay(
		by_peer > by_user ? by_peer : by_user, conf->failures, conf->backoff_ms);
}

static void
fail(struct login *login)
{
	uint32_t delay;

	login->failures++;
	shard_count(login->shard, METRIC_LOGIN_FAILURES_TOTAL);
	log_failure(login, login->step.text != NULL ? login->step.text
						    : sasl_condition_name(login->step.condition));
	delay = count_failure(login);
	end_sasl(login);
	if (delay == 0) {
		answer_failure(login);
		return;
	}
	login_wait(login);
	login->delay.fire = delay_over;
	timer_start(login->shard->loop, &login->delay, delay);
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

static void
succeed(struct login *login)
{
	char peer[PEER_TEXT];
	struct slice data = sasl_data_encode(login->step.data, &login->arena);

	throttle_forget(login->shard->throttle, peer_key(login, peer));
	stream_write_success(conn_output(login->conn), data);
	end_sasl(login);
	login_continue(login);
	login_authenticated(login);
}

static void
got_credentials(void *arg, const struct scram_credentials *found)
{
	struct login *login = arg;
	struct sasl_account account = { .credentials = found };
	struct jid jid;

	login->query = NULL;
	if (account_jid_of(login, &jid))
		account.user = jid_local(&jid);
	login->waits = false;
	take_step(login, sasl_server_credentials(login->sasl, &account));
}

static void
checked(void *arg, bool exists, bool fits)
{
	static const struct scram_credentials some;
	struct login *login = arg;
	struct sasl_account account = { .credentials = exists ? &some : NULL };
	struct jid jid;

	login->query = NULL;
	if (account_jid_of(login, &jid))
		account.user = jid_local(&jid);
	login->waits = false;
	take_step(login, sasl_server_checked(login->sasl, &account, fits && exists));
}

static void
check_password(struct login *login, const struct jid *jid)
{
	struct scram_credentials unknown;

	sasl_server_fake_credentials(login->sasl, jid_local(jid), &unknown);
	login->query = credentials_check(
		login->shard, jid, login->step.password, &unknown, checked, login);
}

static void
look_up(struct login *login)
{
	struct jid jid;
	bool is_possible = account_jid_of(login, &jid);

	login_wait(login);
	if (!is_possible)
		jid = (struct jid){ .full = NO_SLICE };
	if (login->step.verdict == SASL_NEED_CREDENTIALS)
		login->query = credentials_ask(login->shard, &jid, got_credentials, login);
	else
		check_password(login, &jid);
}

/*
 * XEP-0178, 2: a certificate lets in only whom it names and who has an account. Both are looked
 * up before <success/>, because afterwards there is no way to say no that a client understands.
 */
static void
got_account(void *arg, const struct scram_credentials *found)
{
	struct login *login = arg;

	login->query = NULL;
	login->waits = false;
	if (found != NULL) {
		succeed(login);
		return;
	}
	login->user = (struct jid){ 0 };
	login->step.condition = SASL_NOT_AUTHORIZED;
	fail(login);
}

/* The machine is content; a name that is nobody's account was only made up by who signed it. */
static void
confirm(struct login *login)
{
	if (!set_user(login, login->step.user)) {
		login->step.condition = SASL_NOT_AUTHORIZED;
		fail(login);
	} else if (login->mechanism == SASL_EXTERNAL) {
		login_wait(login);
		login->query = credentials_ask(login->shard, &login->user, got_account, login);
	} else {
		succeed(login);
	}
}

static void
take_step(struct login *login, struct sasl_server_step step)
{
	struct slice user = login->step.user;

	login->step = step;
	if (step.user.p == NULL && step.verdict == SASL_FAILURE)
		login->step.user = user; /* so that the failure counts against the name */
	switch (step.verdict) {
	case SASL_CHALLENGE:
		login->step.user = user;
		stream_write_challenge(
			conn_output(login->conn), sasl_data_encode(step.data, &login->arena));
		login_continue(login);
		break;
	case SASL_NEED_CREDENTIALS:
	case SASL_NEED_CHECK:
		look_up(login);
		break;
	case SASL_SUCCESS:
		confirm(login);
		break;
	default:
		fail(login);
	}
}

static void
begin(struct login *login, struct slice mechanism, struct slice data)
{
	struct sasl_server_config config = config_of(login, mechanism);

	login->mechanism = sasl_mechanism_find(mechanism);
	login->sasl = sasl_server_create(&login->arena, login->shard->sasl, &config);
	take_step(login, sasl_server_start(login->sasl, mechanism, data));
}

static void
refuse(struct login *login, enum sasl_condition condition, const char *text)
{
	login->step = (struct sasl_server_step){
		.verdict = SASL_FAILURE,
		.condition = condition,
		.text = text,
	};
	fail(login);
}

void
login_start_sasl(struct login *login, const struct stream_event *event)
{
	struct slice data;

	login->step = (struct sasl_server_step){ 0 };
	if ((login->stream.features & FEATURE_SASL) == 0)
		refuse(login, SASL_ENCRYPTION_REQUIRED, "Use STARTTLS first");
	else if (sasl_data_decode(event->data, &login->arena, &data) < 0)
		refuse(login, SASL_INCORRECT_ENCODING, NULL);
	else
		begin(login, arena_copy(&login->arena, event->mechanism), data);
}

void
login_continue_sasl(struct login *login, const struct stream_event *event)
{
	struct slice data;

	if (login->sasl == NULL)
		refuse(login, SASL_MALFORMED_REQUEST, "A response comes after <auth/>");
	else if (sasl_data_decode(event->data, &login->arena, &data) < 0)
		refuse(login, SASL_INCORRECT_ENCODING, NULL);
	else
		take_step(login, sasl_server_step(login->sasl, data));
}

void
login_abort_sasl(struct login *login)
{
	if (login->sasl == NULL)
		refuse(login, SASL_ABORTED, NULL);
	else
		take_step(login, sasl_server_abort(login->sasl));
}
