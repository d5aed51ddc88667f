/* What letters and routing know of each other. */
#ifndef SERVER_ROUTE_INTERNAL_H
#define SERVER_ROUTE_INTERNAL_H

struct letter;
struct shard;

/* A letter has arrived on its shard; it is opened, delivered, and gone afterwards. */
void route_open(struct shard *shard, struct letter *letter);

#endif
