/* A queue under a mutex: jobs are slow, so the lock is not what they wait for. */
#include "io/worker.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

struct worker_pool {
	pthread_mutex_t lock;
	pthread_cond_t filled;
	struct task *first, **last;
	size_t queued, most;
	bool ending;
	unsigned count;
	pthread_t threads[];
};

static struct job *
job_of(struct task *task)
{
	return container_of(task, struct job, task);
}

static void
finish(struct task *task)
{
	struct job *job = job_of(task);

	job->done(job);
}

static void
run_on_loop(struct task *task)
{
	struct job *job = job_of(task);

	job->run(job);
	job->done(job);
}

/* The next task; NULL when the pool ends. */
static struct task *
take(struct worker_pool *pool)
{
	struct task *task;

	(void)pthread_mutex_lock(&pool->lock);
	while (pool->first == NULL && !pool->ending)
		(void)pthread_cond_wait(&pool->filled, &pool->lock);
	task = pool->first;
	if (task != NULL) {
		pool->first = task->next;
		if (pool->first == NULL)
			pool->last = &pool->first;
		pool->queued--;
	}
	(void)pthread_mutex_unlock(&pool->lock);
	return task;
}

static void *
work(void *arg)
{
	struct worker_pool *pool = arg;
	struct task *task;

	while ((task = take(pool)) != NULL) {
		struct job *job = job_of(task);

		job->run(job);
		task->run = finish;
		loop_post(job->loop, task);
	}
	return NULL;
}

struct worker_pool *
worker_pool_create(unsigned threads, size_t most_queued)
{
	struct worker_pool *pool = xcalloc(1, sizeof(*pool) + threads * sizeof(pthread_t));

	(void)pthread_mutex_init(&pool->lock, NULL);
	(void)pthread_cond_init(&pool->filled, NULL);
	pool->last = &pool->first;
	pool->most = most_queued;
	for (; pool->count < threads; pool->count++) {
		if (pthread_create(&pool->threads[pool->count], NULL, work, pool) != 0)
			die("No thread could be started; raise the limit of processes.");
	}
	return pool;
}

unsigned
worker_pool_threads(const struct worker_pool *pool)
{
	return pool->count == 0 ? 1 : pool->count;
}

void
worker_pool_destroy(struct worker_pool **pool_ptr)
{
	struct worker_pool *pool = *pool_ptr;

	*pool_ptr = NULL;
	if (pool == NULL)
		return;
	(void)pthread_mutex_lock(&pool->lock);
	pool->ending = true;
	(void)pthread_cond_broadcast(&pool->filled);
	(void)pthread_mutex_unlock(&pool->lock);
	for (unsigned i = 0; i < pool->count; i++)
		(void)pthread_join(pool->threads[i], NULL);
	(void)pthread_mutex_destroy(&pool->lock);
	(void)pthread_cond_destroy(&pool->filled);
	free(pool);
}

size_t
worker_pool_waiting(struct worker_pool *pool)
{
	size_t queued;

	(void)pthread_mutex_lock(&pool->lock);
	queued = pool->queued;
	(void)pthread_mutex_unlock(&pool->lock);
	return queued;
}

int
worker_submit(struct worker_pool *pool, struct job *job)
{
	int r = 0;

	if (pool->count == 0) {
		job->task.run = run_on_loop;
		loop_post(job->loop, &job->task);
		return 0;
	}
	(void)pthread_mutex_lock(&pool->lock);
	if (pool->queued >= pool->most) {
		r = -EAGAIN;
	} else {
		job->task.next = NULL;
		*pool->last = &job->task;
		pool->last = &job->task.next;
		pool->queued++;
		(void)pthread_cond_signal(&pool->filled);
	}
	(void)pthread_mutex_unlock(&pool->lock);
	return r;
}
