/*
 * XEP-0077: In-Band Registration. Who is signed in may change the password and remove the account;
 * nobody may do so for another. Making accounts by oneself, before signing in, is off unless the
 * operator wants it, and then bounded for each network.
 */
#include "server/module.h"
#include "server/newcomer.h"
#include "server/quota.h"
#include "server/registrar.h"

#define NS_REGISTER "jabber:iq:register"

struct registration {
	bool is_registered, remove;
	struct slice instructions, username, password;
	/* What else the protocol has; we ask for none of it, but it must not stand beside remove.
	 */
	struct slice nick, name, first, last, email, address, city, state, zip, phone, url, date,
		misc, text, key;
};

static const struct field fields[] = {
	CHILD_FLAG(struct registration, is_registered, "registered"),
	CHILD_FLAG(struct registration, remove, "remove"),
	CHILD_TEXT(struct registration, instructions, "instructions"),
	CHILD_TEXT(struct registration, username, "username"),
	CHILD_TEXT(struct registration, password, "password"),
	CHILD_TEXT(struct registration, nick, "nick"),
	CHILD_TEXT(struct registration, name, "name"),
	CHILD_TEXT(struct registration, first, "first"),
	CHILD_TEXT(struct registration, last, "last"),
	CHILD_TEXT(struct registration, email, "email"),
	CHILD_TEXT(struct registration, address, "address"),
	CHILD_TEXT(struct registration, city, "city"),
	CHILD_TEXT(struct registration, state, "state"),
	CHILD_TEXT(struct registration, zip, "zip"),
	CHILD_TEXT(struct registration, phone, "phone"),
	CHILD_TEXT(struct registration, url, "url"),
	CHILD_TEXT(struct registration, date, "date"),
	CHILD_TEXT(struct registration, misc, "misc"),
	CHILD_TEXT(struct registration, text, "text"),
	CHILD_TEXT(struct registration, key, "key"),
	FIELDS_END(struct registration),
};
static const struct payload payload = { "query", NS_REGISTER, fields };

struct register_config {
	bool sign_up;
	const char *instructions;
	struct quota_bound bound;
};

enum { METRIC_SIGN_UPS, METRIC_REFUSED, METRIC_PASSWORDS, METRIC_REMOVED };

extern const struct module mod_register;

static const struct register_config *
config_of(const struct iq *iq)
{
	return module_config(iq->host, &mod_register);
}

static void
answer_done(void *arg, int error)
{
	struct iq *iq = arg;

	if (error < 0)
		iq_error_coded(iq, registrar_condition(error), registrar_why(error));
	else
		iq_result(iq, NULL, NULL);
}

/* ---- Signed in ---- */

/* 3.1: "The account is registered already, and this is what is on file." */
static void
tell_registration(struct iq *iq)
{
	struct registration answer = {
		.is_registered = true,
		.instructions = SLICE("Send a new password to change it, or remove the account."),
		.username = jid_local(account_jid(iq->account)),
		.password = SLICE(""),
	};

	if (account_is_anonymous(iq->account))
		iq_error_coded(iq, REGISTRATION_REQUIRED, "An anonymous user has no account");
	else
		iq_result(iq, &payload, &answer);
}

/* Row 37: the name is one's own, however it is written. */
static bool
is_own_name(const struct iq *iq, struct slice username)
{
	struct slice local;

	return jid_prepare_local(username, iq->arena, &local) == 0 &&
	       slice_is(local, jid_local(account_jid(iq->account)));
}

static void
password_changed(void *arg, int error)
{
	if (error == 0)
		metric_add_iq(arg, &mod_register, METRIC_PASSWORDS);
	answer_done(arg, error);
}

static void
change_password(struct iq *iq, const struct registration *asked)
{
	int r;

	if (asked->username.len == 0 || asked->password.len == 0) {
		iq_error_coded(iq, BAD_REQUEST, "Give both the user name and a new password");
		return;
	}
	if (!is_own_name(iq, asked->username)) {
		iq_error_coded(iq, FORBIDDEN, "This is not your account");
		return;
	}
	if (!session_is_secure(iq->session)) {
		iq_error_coded(iq, NOT_AUTHORIZED, "Use TLS; others could read the password");
		return;
	}
	r = registrar_set_password(iq_shard(iq), REGISTRAR_CHANGE, account_jid(iq->account),
		asked->password, password_changed, iq);
	if (r < 0)
		answer_done(iq, r);
	else
		iq_hold(iq);
}

/* 3.2: <remove/> is the only child. */
static bool
stands_alone(const struct registration *asked)
{
	const struct slice *texts = &asked->instructions;
	size_t count = (sizeof(*asked) - offsetof(struct registration, instructions)) /
		       sizeof(*texts);

	for (size_t i = 0; i < count; i++) {
		if (texts[i].p != NULL)
			return false;
	}
	return !asked->is_registered;
}

static void
account_removed(void *arg, int error)
{
	if (error == 0)
		metric_add_iq(arg, &mod_register, METRIC_REMOVED);
	answer_done(arg, error);
}

static void
remove_account(struct iq *iq, const struct registration *asked)
{
	if (!stands_alone(asked)) {
		iq_error_coded(iq, BAD_REQUEST, "Nothing may stand beside <remove/>");
		return;
	}
	registrar_remove(iq_shard(iq), account_jid(iq->account), account_removed, iq);
	iq_hold(iq);
}

static void
change_registration(struct iq *iq)
{
	const struct registration *asked = iq_data(iq, &payload);

	if (account_is_anonymous(iq->account))
		iq_error_coded(iq, REGISTRATION_REQUIRED, "An anonymous user has no account");
	else if (asked->remove)
		remove_account(iq, asked);
	else
		change_password(iq, asked);
}

/* The same with 'to': false after an answer. A user of another of our hosts has no account here. */
static bool
is_by_user(struct iq *iq)
{
	if (slice_is(jid_domain(&iq->st.from), host_domain(iq->host)) && iq_take_sender(iq))
		return true;
	iq_error_coded(iq, SERVICE_UNAVAILABLE, "Only users of this host have accounts here");
	return false;
}

static void
tell_user(struct iq *iq)
{
	if (is_by_user(iq))
		tell_registration(iq);
}

static void
change_user(struct iq *iq)
{
	if (is_by_user(iq))
		change_registration(iq);
}

/* ---- Not signed in ---- */

static void
offer_sign_up(unsigned *features, const struct host *host)
{
	const struct register_config *conf = module_config(host, &mod_register);

	if (conf->sign_up)
		*features |= FEATURE_REGISTER;
}

/* 3.1: what is asked for: the names of empty elements. */
static void
tell_fields(struct iq *iq)
{
	struct registration answer = {
		.instructions = slice_of(config_of(iq)->instructions),
		.username = SLICE(""),
		.password = SLICE(""),
	};

	iq_result(iq, &payload, &answer);
}

static void
signed_up(void *arg, int error)
{
	struct iq *iq = arg;

	if (error == 0) {
		metric_add_iq(iq, &mod_register, METRIC_SIGN_UPS);
		newcomer_set_account(iq->login);
	}
	answer_done(iq, error);
}

static void
make_account(void *arg, bool granted)
{
	struct iq *iq = arg;
	const struct registration *asked = iq_data(iq, &payload);
	struct jid jid;
	int r;

	if (!granted) {
		metric_add_iq(iq, &mod_register, METRIC_REFUSED);
		iq_error_coded(iq, NOT_ACCEPTABLE,
			"Too many accounts were asked for from your network; try again later");
		return;
	}
	if (jid_make(asked->username, host_domain(iq->host), NO_SLICE, iq->arena, &jid) < 0 ||
		jid_local(&jid).len == 0) {
		iq_error_coded(iq, NOT_ACCEPTABLE, "This can be no user name");
		return;
	}
	r = registrar_set_password(
		iq_shard(iq), REGISTRAR_CREATE, &jid, asked->password, signed_up, iq);
	if (r < 0)
		answer_done(iq, r);
}

static void
sign_up(struct iq *iq)
{
	const struct registration *asked = iq_data(iq, &payload);

	if (asked->remove)
		iq_error_coded(iq, UNEXPECTED_REQUEST, "Sign in first");
	else if (newcomer_has_account(iq->login))
		iq_error_coded(iq, NOT_ACCEPTABLE, "You made an account already; sign in");
	else if (asked->username.len == 0 || asked->password.len == 0)
		iq_error_coded(iq, NOT_ACCEPTABLE, "Give both a user name and a password");
	else
		quota_ask(iq_shard(iq), newcomer_network(iq->login), &config_of(iq)->bound,
			make_account, iq);
}

static const struct xep xeps[] = {
	{ 77, "2.4", XEP_COMPLETE },
	{ 0 },
};

static const struct option options[] = {
	OPTION_BOOL(struct register_config, sign_up, "sign_up", false,
		"Whether anyone may make an account, before signing in."),
	OPTION_TEXT(struct register_config, instructions, "instructions",
		"Choose a user name and a password.", "What people read who make an account."),
	OPTION_UINT(struct register_config, bound.most, "max_sign_ups", 5, 1, 1000000,
		"How many accounts one network (an IPv4 address, an IPv6 /64) may ask for in "
		"sign_up_period."),
	OPTION_DURATION(struct register_config, bound.period_ms, "sign_up_period", 3600000, 1000,
		86400000, "The time in which accounts are counted."),
	{ 0 },
};

static const struct metric metrics[] = {
	[METRIC_SIGN_UPS] = { "register_accounts_total",
		"Accounts that people made for themselves." },
	[METRIC_REFUSED] = { "register_refused_total",
		"Accounts refused because too many were asked for." },
	[METRIC_PASSWORDS] = { "register_passwords_total", "Passwords that their owners changed." },
	[METRIC_REMOVED] = { "register_removed_total", "Accounts that their owners removed." },
	{ 0 },
};

static const struct iq_route routes[] = {
	{ IQ_GET, TO_SELF, &payload, tell_registration },
	{ IQ_SET, TO_SELF, &payload, change_registration },
	{ IQ_GET, TO_HOST, &payload, tell_user },
	{ IQ_SET, TO_HOST, &payload, change_user },
	{ IQ_GET, BEFORE_SIGN_IN, &payload, tell_fields },
	{ IQ_SET, BEFORE_SIGN_IN, &payload, sign_up },
	{ 0 },
};

const struct module mod_register = {
	.name = "register",
	.about = "Lets users change their passwords, remove their accounts and, if you like, make "
		 "them.",
	.xeps = xeps,
	.features = (const char *const[]){ NS_REGISTER, NULL },
	.options = options,
	.config_size = sizeof(struct register_config),
	.metrics = metrics,
	.routes = routes,
	.on.sign_in_features = offer_sign_up,
};
