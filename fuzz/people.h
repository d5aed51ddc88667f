/* For harnesses of a whole server: one on a simulated machine, and people who are signed in. */
#ifndef KITH_FUZZ_PEOPLE_H
#define KITH_FUZZ_PEOPLE_H

#include "base/buffer.h"

struct conn;
struct loop;
struct sim;
struct sim_target;

/* A server of the users juliet, romeo and nurse with the password "secret". */
struct place {
	const char *directory; /* with its certificate, set before it is opened; NULL: no TLS */
	struct sim *sim;
	struct sim_target *target;
	struct loop *loop;
	const char *const *settings;
	size_t setting_count;
};

/* setting_count may be 0. What users keep outlives place_restart. */
void place_open(
	struct place *place, uint64_t seed, const char *const *settings, size_t setting_count);
void place_restart(struct place *place);
void place_close(struct place *place);

/* Whatever is under way comes to its end. */
void place_rest(struct place *place);

struct person {
	struct conn *conn;  /* NULL: not connected any more */
	struct buffer got;  /* what came and was not forgotten */
	size_t stream_from; /* in got: the beginning of the stream after signing in */
};

/* Connects anew; signs in as that user, with that resource, and is available. */
void person_arrive(struct place *place, struct person *p, const char *user, const char *resource);
/* Is gone, at once. */
void person_leave(struct person *p);

/* Says that, and waits a moment. */
void person_say(struct place *place, struct person *p, struct slice text);
void person_say_text(struct place *place, struct person *p, const char *text);

/* What came since, from the first occurrence of that text on; p NULL: it is not there. */
struct slice person_heard(const struct person *p, const char *text);

/* Forgets all that came, asks, and says whether a server that lives has answered. */
bool person_is_served(struct place *place, struct person *p);

#endif
