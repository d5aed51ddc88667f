/* kith-load start: how soon after exec a server answers, and what it holds then. */
#ifndef TOOLS_KITH_LOAD_START_H
#define TOOLS_KITH_LOAD_START_H

#include "tools/kith-load/options.h"
#include "tools/kith-load/report.h"

/*
 * Runs the command, connects until its stream features are there, looks, and ends it by SIGTERM.
 * 0, or -1 after it said on stderr what went wrong.
 */
int start_run(const struct options *options, struct report *report);

#endif
