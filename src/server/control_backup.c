/*
 * kithctl backup. The server can write in its data directory only (docs/design/sandbox.md), so that
 * is where it makes the copy; kithctl checks it, takes it away, and says so. If kithctl goes before
 * that, the copy is removed.
 */
#include "server/control_internal.h"
#include "server/server_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* From the question until the copy is taken away; one at a time. On shard 0. */
struct backup {
	struct job removal; /* of a copy that nobody took */
	struct server *server;
	struct control_request *request;     /* until it is answered */
	const struct control_client *client; /* NULL: it has gone */
	char *path;
	bool is_made; /* the store is done with it */
	bool is_gone; /* the client is */
};

static void
end(struct backup *backup)
{
	(void)unlink(backup->path);
	backup->server->backup = NULL;
	free(backup->path);
	free(backup);
}

static void
remove_copy(struct job *job)
{
	(void)unlink(container_of(job, struct backup, removal)->path);
}

static void
copy_removed(struct job *job)
{
	end(container_of(job, struct backup, removal));
}

/* Giving the room of a large file back takes a while; a loop should not wait for it. */
static void
abandon(struct backup *backup)
{
	struct server *server = backup->server;

	backup->client = NULL; /* another one may get its place in memory */
	backup->removal.loop = server->shards[0]->loop;
	backup->removal.run = remove_copy;
	backup->removal.done = copy_removed;
	if (server->workers == NULL || worker_submit(server->workers, &backup->removal) < 0)
		end(backup);
}

static void
client_gone(void *arg)
{
	struct backup *backup = arg;

	backup->is_gone = true;
	if (backup->is_made)
		abandon(backup);
	else
		store_cancel_backup(backup->server->store);
}

static void
refuse(struct control_request *request, int error)
{
	if (error == -ENOSPC)
		control_error(request,
			"there is no room for a copy of the database and 64 MiB to spare beside "
			"it; "
			"nothing else is affected. Make room in the data directory's file system");
	else if (error == -ENOTSUP)
		control_error(request, "this server keeps nothing on disk");
	else if (error == -ECANCELED)
		control_error(request, "the backup was ended, because the server stops or its "
				       "database failed; see the server's log");
	else
		control_error(request,
			"the copy could not be made; look at the disk and the server's log");
}

static void
tell(struct control_request *request, const struct backup *backup)
{
	struct stat st = { .st_size = 0 };

	(void)stat(backup->path, &st);
	control_record(request);
	control_text(request, "file", SLICE(STORE_BACKUP_NAME));
	control_number(request, "bytes", (int64_t)st.st_size);
	control_ok(request);
}

static void
made(struct store_request *stored)
{
	struct backup *backup = stored->arg;
	struct control_request *request = backup->request;

	backup->is_made = true;
	if (stored->error == 0 && !backup->is_gone) {
		tell(request, backup);
		return;
	}
	if (backup->is_gone) {
		abandon(backup);
		control_ok(request); /* to nobody */
		return;
	}
	control_when_gone(request, NULL, NULL);
	end(backup);
	refuse(request, stored->error);
}

void
control_backup(struct control_request *request)
{
	struct server *server = request->shard->server;
	struct backup *backup;

	if (server->backup != NULL) {
		control_error(request, "another backup is being made; wait for its end");
		return;
	}
	backup = xcalloc(1, sizeof(*backup));
	backup->server = server;
	backup->request = request;
	backup->client = request->client;
	if (asprintf(&backup->path, "%s/" STORE_BACKUP_NAME, server->directory) < 0)
		die("Out of memory: the name of a file was refused. Give the process more.");
	server->backup = backup;
	control_when_gone(request, client_gone, backup);
	store_backup(server->store, request->shard->number, made, backup);
}

void
control_backup_taken(struct control_request *request)
{
	struct backup *backup = request->shard->server->backup;

	if (backup == NULL || backup->client != request->client || !backup->is_made) {
		control_error(request, "there is no backup to take");
		return;
	}
	control_when_gone(request, NULL, NULL);
	end(backup);
	control_ok(request);
}
