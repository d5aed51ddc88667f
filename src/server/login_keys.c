/*
 * What SASL asks for about an account: its keys, or whether a password fits. It is looked up on
 * the account's home, so the login moves there as soon as it has named the account: the
 * passwords that were right lately are there. The machine of proto/sasl_server.h belongs to a
 * shard; it is made anew at home, from the same message.
 */
#include "server/credentials.h"
#include "server/login_internal.h"
#include "server/server_internal.h"

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

static void
got_credentials(void *arg, const struct scram_credentials *found)
{
	struct login *login = arg;

	login->query = NULL;
	use_keys(login, found);
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
checked(void *arg, bool exists, bool fits)
{
	struct login *login = arg;

	login->query = NULL;
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
		login->query = credentials_ask(login->shard, jid, got_credentials, login);
	} else {
		login_admit(login, check_password);
	}
}
