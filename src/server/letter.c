/* Freezing and thawing stanzas. */
#include "server/letter.h"

#include "server/receipt.h"
#include "server/route_internal.h"
#include "server/server_internal.h"

#include <assert.h>
#include <stdlib.h>

static size_t
recipients_size(const struct jid *recipients, size_t count)
{
	size_t size = size_mul(count, sizeof(struct jid));

	for (size_t i = 0; i < count; i++)
		size = size_add(size, recipients[i].full.len);
	return size;
}

static void
copy_recipients(struct letter *letter, char *texts, const struct jid *recipients, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		letter->recipients[i] = recipients[i];
		memcpy(texts, recipients[i].full.p, recipients[i].full.len);
		letter->recipients[i].full.p = texts;
		texts += recipients[i].full.len;
	}
	letter->recipient_count = count;
}

struct letter *
letter_create(const struct stanza *st, const struct jid *recipients, size_t count)
{
	struct buffer xml;
	struct letter *letter;
	size_t extra = recipients_size(recipients, count);

	buffer_init(&xml, LIMIT_FROZEN_STANZA);
	stanza_write(&xml, st);
	letter = xcalloc(1, sizeof(*letter) + extra + xml.len);
	letter->size = sizeof(*letter) + extra + xml.len;
	if (count > 0) {
		letter->recipients = (struct jid *)(void *)(letter + 1);
		copy_recipients(letter, (char *)(letter->recipients + count), recipients, count);
	}
	memcpy((char *)(letter + 1) + extra, xml.data, xml.len);
	letter->bytes = slice_make((char *)(letter + 1) + extra, xml.len);
	buffer_finish(&xml);
	letter->receipt = receipt_hold(st->receipt);
	letter->returned_ms = st->returned_ms;
	return letter;
}

void
letter_destroy(struct letter **letter)
{
	if (*letter != NULL)
		receipt_drop(&(*letter)->receipt);
	free(*letter);
	*letter = NULL;
}

static void
arrive(struct task *task)
{
	struct letter *letter = container_of(task, struct letter, task);

	(void)atomic_fetch_sub_explicit(
		&letter->to->mail_bytes, letter->size, memory_order_relaxed);
	route_open(letter->to, letter);
}

static void
remember_most(struct shard *to, size_t bytes)
{
	size_t most = atomic_load_explicit(&to->mail_most, memory_order_relaxed);

	while (bytes > most && !atomic_compare_exchange_weak_explicit(&to->mail_most, &most, bytes,
				       memory_order_relaxed, memory_order_relaxed))
		continue;
}

void
letter_send(struct letter *letter, struct shard *from, struct shard *to)
{
	size_t before = atomic_fetch_add_explicit(
		&to->mail_bytes, letter->size, memory_order_relaxed);

	remember_most(to, before + letter->size);
	if (before > LIMIT_MAIL)
		from->mail_is_full = true;
	letter->to = to;
	letter->task.run = arrive;
	loop_post(to->loop, &letter->task);
}

bool
letter_open(const struct letter *letter, struct shard *shard, struct stanza *st_out)
{
	if (stanza_thaw(shard->server->names, letter->bytes, &shard->tokens, &shard->scratch,
		    st_out) < 0)
		return false;
	st_out->receipt = letter->receipt;
	st_out->returned_ms = letter->returned_ms;
	return true;
}
