/*
 * A connection from its first byte to a bound resource: TLS, SASL and binding. It begins on the
 * shard that accepted it and moves once, when its account is known, to that account's shard.
 */
#ifndef SERVER_LOGIN_H
#define SERVER_LOGIN_H

#include "io/conn.h"
#include "proto/errors.h"

struct login;
struct shard;

/* A client connected; is_tls: TLS from the first byte. */
void login_create(struct shard *shard, struct conn *conn, bool is_tls);

/* The account that the login waits for is resident. */
void login_account_ready(struct login *login);

/* Nobody may sign in to the account any more: ends the sign-ins that are on this shard. */
void login_end_user(struct shard *shard, struct slice bare, const char *why);

/* Ends it with a stream error. */
void login_end(struct login *login, enum stream_condition condition, const char *text);

#endif
