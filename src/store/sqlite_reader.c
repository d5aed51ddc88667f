/* The threads that read: one batch after the other, each in one transaction, so in one state. */
#include "store/sqlite_internal.h"

#include <errno.h>

static int
read_in_one_state(struct sqlite_conn *conn, struct store_batch *batch)
{
	int r = sql_begin(conn);

	if (r == 0)
		r = ops_read(conn, batch);
	if (r == 0)
		r = sql_commit(conn);
	if (r < 0)
		sql_rollback(conn);
	return r;
}

static int
answer(struct sqlite_conn *conn, struct store_batch *batch)
{
	int r;

	do
		r = read_in_one_state(conn, batch);
	while (r == -EAGAIN);
	if (r == 0)
		return 0;
	for (struct read *read = batch->first; read != NULL; read = read->next)
		read->result = (struct store_result){ .table = read->result.table };
	return -EIO;
}

static void
count_reads(struct store_stats *stats, const struct store_batch *batch)
{
	stats->batches++;
	for (const struct read *read = batch->first; read != NULL; read = read->next) {
		stats->reads++;
		stats->rows_read += read->result.count;
	}
}

/* The next batch; NULL when there will be none any more. Called with the lock. */
static struct store_request *
next_request(struct sqlite_store *s)
{
	while (s->ready.count == 0 && !(s->ending && s->parked.count == 0))
		(void)pthread_cond_wait(&s->readers_wake, &s->lock);
	return requests_pop(&s->ready);
}

void *
sqlite_reader_main(void *arg)
{
	struct reader *reader = arg;
	struct sqlite_store *s = reader->store;
	struct store_request *request;

	(void)pthread_mutex_lock(&s->lock);
	while ((request = next_request(s)) != NULL) {
		struct store_batch *batch = store_batch_of(request);
		int r;

		s->busy_readers++;
		(void)pthread_mutex_unlock(&s->lock);
		r = answer(&reader->conn, batch);
		(void)pthread_mutex_lock(&s->lock);
		s->busy_readers--;
		count_reads(&s->stats, batch);
		if (r < 0) {
			s->read_failed = true; /* the writer fences the file */
			(void)pthread_cond_signal(&s->writer_wakes);
		}
		(void)pthread_cond_signal(&s->readers_rest);
		/* Posting may wake a loop, which is a system call: not with everybody's lock. */
		(void)pthread_mutex_unlock(&s->lock);
		store_post(&s->store, request, r);
		(void)pthread_mutex_lock(&s->lock);
	}
	(void)pthread_mutex_unlock(&s->lock);
	return NULL;
}
