/* Whether a message belongs into an archive is asked of whoever knows its owner's wishes. */
#include "server/archive.h"

#include "server/account_internal.h"
#include "server/server_internal.h"

bool
archive_wants(struct account *acct, const struct jid *with)
{
	return hook_archive_policy(&acct->shard->server->pipeline, acct, with).kind == VERDICT_PASS;
}
