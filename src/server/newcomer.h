/*
 * Who is connected but not signed in yet, as modules see it: requests of scope BEFORE_SIGN_IN come
 * from there. It may be gone before the answer; iq->login is NULL then.
 */
#ifndef SERVER_NEWCOMER_H
#define SERVER_NEWCOMER_H

#include "base/slice.h"

struct iq;
struct login;

/* What limits count by: the IPv4 address, or the /64 of the IPv6 one. As long as the login. */
struct slice newcomer_network(const struct login *login);

/* The one account that was made over this connection; NULL login: harmless. */
bool newcomer_has_account(const struct login *login);
void newcomer_set_account(struct login *login);

#endif
