/*
 * What SASL asks for about an account: its keys, or whether a password fits. It is looked up on
 * the account's home, so the login moves there as soon as it has named the account: keys that are
 * in memory are there, and so are the passwords that were right lately. The machine of
 * proto/sasl_server.h belongs to a shard; it is made anew at home, from the same message.
 *
 * Keys in memory save the way to the store's readers and back. They are used only for who comes
 * from where the account was signed in to before: to anybody else a quick answer would tell that
 * the account exists and is in use. A stranger always waits for the store, whatever the name.
 */
#include "server/account_internal.h"
#include "server/credentials.h"
#include "server/login_internal.h"
#include "server/places.h"
#include "server/server_internal.h"
#include "server/throttle.h"

#include <openssl/crypto.h>

static struct sasl_account
account_of(const struct login *login, const struct scram_credentials *found)
{
	struct sasl_account account = { .credentials = found };

	if (login->claimed.full.p != NULL)
		account.user = jid_local(&login->claimed);
	return account;
}

static void
use_keys(struct login *login, const struct scram_credentials *found)
{
	struct sasl_account account = account_of(login, found);

	login->waits = false;
	login_take_step(login, sasl_server_credentials(login->sasl, &account));
}

/* Nothing is known about the account now, least of all that the password is wrong. */
static void
refuse_for_now(struct login *login)
{
	login->waits = false;
	login_refuse(login, SASL_TEMPORARY_AUTH_FAILURE, "Accounts cannot be looked up now");
}

static void
got_credentials(void *arg, int error, const struct scram_credentials *found)
{
	struct login *login = arg;

	login->query = NULL;
	if (error < 0) {
		refuse_for_now(login);
		return;
	}
	if (found != NULL)
		login->keys = found->keys[login->step.hash];
	use_keys(login, found);
}

/* Whether the account's keys are in memory, and may be used for this peer. */
static bool
use_keys_in_memory(struct login *login)
{
	const struct jid *jid = &login->claimed;
	struct slice network = throttle_network(conn_peer(login->conn));
	const struct scram_keys *keys = credentials_kept(login->shard, jid, login->step.hash);
	struct scram_credentials found = { 0 };

	if (keys == NULL || !places_know(login->shard->places, jid->full, network))
		return false;
	login->keys = found.keys[login->step.hash] = *keys;
	use_keys(login, &found);
	OPENSSL_cleanse(&found, sizeof(found));
	return true;
}

static void
ask_for_keys(struct login *login)
{
	login->keys.iterations = 0;
	login->keys_age = login->shard->password_changes;
	if (!use_keys_in_memory(login))
		login->query = credentials_ask(
			login->shard, &login->claimed, got_credentials, login);
}

static void
tell_check(struct login *login)
{
	static const struct scram_credentials some;
	struct sasl_account account = account_of(login, login->account_exists ? &some : NULL);

	login->waits = false;
	login_take_step(login, sasl_server_checked(login->sasl, &account,
				       login->password_fits && login->account_exists));
}

/* Others of its network may have failed while a worker was at it. */
static void
checked(void *arg, int error, bool exists, bool fits)
{
	struct login *login = arg;

	login->query = NULL;
	if (error < 0) {
		refuse_for_now(login);
		return;
	}
	login->account_exists = exists;
	login->password_fits = fits;
	login_admit(login, tell_check);
}

static void
check_password(struct login *login)
{
	struct scram_credentials unknown;

	sasl_server_fake_credentials(login->sasl, jid_local(&login->claimed), &unknown);
	login->query = credentials_check(
		login->shard, &login->claimed, login->step.password, &unknown, checked, login);
}

void
login_look_up(struct login *login)
{
	struct jid *jid = &login->claimed;
	struct shard *home = login->shard;

	if (jid_make(login->step.user, host_domain(login->host), NO_SLICE, &login->arena, jid) == 0)
		home = server_home(home->server, jid->full);
	else
		*jid = (struct jid){ .full = NO_SLICE };
	login_wait(login);
	if (home != login->shard) {
		sasl_server_finish(&login->sasl);
		login_move(login, home, login_begin_sasl);
	} else if (login->step.verdict == SASL_NEED_CREDENTIALS) {
		ask_for_keys(login);
	} else {
		login_admit(login, check_password);
	}
}
