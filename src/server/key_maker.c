/* A queue before the workers, from which each takes as many passwords as make one batch. */
#include "server/key_maker.h"

#include "server/server_internal.h"

#include <errno.h>
#include <stdlib.h>

enum { WAITING_MOST = 20000 };

struct batch {
	struct job job;
	struct shard *shard;
	struct key_request *requests[SCRAM_MANY];
	size_t count;
	uint32_t iterations; /* as configured when the batch began */
};

void
key_maker_init(struct key_maker *maker)
{
	*maker = (struct key_maker){ 0 };
	list_init(&maker->waiting);
}

static void
make_keys(struct job *job)
{
	struct batch *batch = container_of(job, struct batch, job);
	struct slice passwords[SCRAM_MANY];
	struct scram_credentials *out[SCRAM_MANY];

	for (size_t i = 0; i < batch->count; i++) {
		passwords[i] = batch->requests[i]->password;
		out[i] = &batch->requests[i]->keys;
	}
	(void)scram_credentials_make_many(passwords, batch->count, batch->iterations, out);
}

static struct key_request *
take(struct key_maker *maker)
{
	struct key_request *request;

	if (list_is_empty(&maker->waiting))
		return NULL;
	request = container_of(maker->waiting.next, struct key_request, link);
	list_remove(&request->link);
	maker->count--;
	return request;
}

static void start_batches(struct shard *shard);

static void
answer(struct batch *batch, int error)
{
	for (size_t i = 0; i < batch->count; i++)
		batch->requests[i]->made(batch->requests[i], error);
	free(batch);
}

static void
batch_done(struct job *job)
{
	struct batch *batch = container_of(job, struct batch, job);

	/* The workers first, then what becomes of their work. */
	batch->shard->key_maker.batches--;
	start_batches(batch->shard);
	answer(batch, 0);
}

/* The workers took no batch, so they would take none of those that wait either. */
static void
refuse_all(struct task *task)
{
	struct batch *batch = container_of(container_of(task, struct job, task), struct batch, job);
	struct key_maker *maker = &batch->shard->key_maker;
	struct key_request *request;

	maker->batches--;
	while ((request = take(maker)) != NULL)
		request->made(request, -EAGAIN);
	answer(batch, -EAGAIN);
}

static void
start_batch(struct shard *shard)
{
	struct worker_pool *workers = shard->server->workers;
	struct batch *batch = xcalloc(1, sizeof(*batch));

	batch->shard = shard;
	batch->iterations = shard->server->core->auth->iterations;
	batch->job = (struct job){ .loop = shard->loop, .run = make_keys, .done = batch_done };
	while (batch->count < SCRAM_MANY && !list_is_empty(&shard->key_maker.waiting))
		batch->requests[batch->count++] = take(&shard->key_maker);
	shard->key_maker.batches++;
	/* There are no workers any more when the server ends. */
	if (workers != NULL && worker_submit(workers, &batch->job) == 0)
		return;
	batch->job.task.run = refuse_all;
	loop_post(shard->loop, &batch->job.task);
}

static void
start_batches(struct shard *shard)
{
	const struct worker_pool *workers = shard->server->workers;
	unsigned most = workers == NULL ? 1 : worker_pool_threads(workers);

	while (!list_is_empty(&shard->key_maker.waiting) && shard->key_maker.batches < most)
		start_batch(shard);
}

int
key_maker_ask(struct shard *shard, struct key_request *request)
{
	if (shard->key_maker.count >= WAITING_MOST)
		return -EAGAIN;
	list_append(&shard->key_maker.waiting, &request->link);
	shard->key_maker.count++;
	start_batches(shard);
	return 0;
}
