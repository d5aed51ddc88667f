/*
 * XEP-0313: what is said between a client and an archive, and what a question means.
 */
#ifndef PROTO_MAM_H
#define PROTO_MAM_H

#include "base/siphash.h"
#include "proto/errors.h"
#include "proto/forms.h"
#include "proto/rsm.h"

#define NS_MAM "urn:xmpp:mam:2"

/* The texts of ids: 16 hexadecimal digits. */
enum { MAM_ID_CHARS = 16 };

/* A permutation of all numbers by the key: nobody without it can tell one id from another. */
struct slice mam_id_write(const struct hash_key *key, struct arena *arena, uint64_t number);
/* 0: this is no id. */
uint64_t mam_id_read(const struct hash_key *key, struct slice id);

struct mam_query {
	struct slice queryid;
	struct form_list forms;
	struct rsm_list sets;
	bool flip_page;
};
extern const struct payload mam_query_payload;

/* The form of all that can be asked for (4.1.5), as the content of a <query/>. */
struct mam_query mam_query_form(struct arena *arena);

/* A question; stamps 0: no bound, texts p NULL: not there. */
struct mam_search {
	struct jid with;
	int64_t start_ms, end_ms;
	struct slice before_id, after_id;
	struct slice_list ids;
	struct rsm_page page;
	bool flip_page;
};

enum { MAM_MAX_IDS = 100 };

/* most: messages of a page. False: it is refused with *condition_out and a sentence. */
bool mam_search_read(const struct mam_query *query, uint32_t most, struct arena *arena,
	struct mam_search *search_out, enum stanza_condition *condition_out, const char **why_out);

struct mam_result {
	struct slice queryid, id, xml; /* <forwarded/> */
};
extern const struct payload mam_result_payload;

/* Appends what is forwarded of a stanza as it lies in a log, which is as for a client. */
void mam_forward(struct buffer *out, struct slice domain, struct slice frozen, int64_t wall_ms);

struct mam_fin {
	bool complete;
	struct rsm_list sets;
};
extern const struct payload mam_fin_payload;

struct mam_edge {
	struct slice id, timestamp;
};
struct mam_edge_list {
	struct mam_edge *v;
	size_t count;
};
struct mam_metadata {
	struct mam_edge_list start, end;
};
extern const struct payload mam_metadata_payload;

/* XEP-0227, 4.6: an archive in a file. */
struct mam_stamp_list {
	struct mam_stamp {
		struct slice stamp;
	} * v;
	size_t count;
};
struct mam_kept_list {
	struct mam_kept {
		struct slice id;
		struct mam_forwarded_list {
			struct mam_forwarded {
				struct mam_stamp_list delays;
				struct foreign_list children;
			} * v;
			size_t count;
		} forwarded;
	} * v;
	size_t count;
};
struct mam_export {
	struct mam_kept_list results;
	struct slice xml; /* written instead */
};
extern const struct payload mam_export_payload;

#endif
