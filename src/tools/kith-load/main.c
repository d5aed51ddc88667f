/* kith-load: loads an XMPP server and says what that cost. kith-load(1) is its manual. */
#include "tools/kith-load/crew.h"
#include "tools/kith-load/start.h"

#include <signal.h>
#include <string.h>

static const struct {
	const char *name;
	const struct job *job;
} jobs[] = {
	{ "login", &job_login },
	{ "idle", &job_idle },
	{ "chat", &job_chat },
	{ "presence", &job_presence },
	{ "subscribe", &job_subscribe },
	{ "store", &job_store },
	{ "fetch", &job_fetch },
	{ "handshake", &job_handshake },
};

static int
run(const struct options *options, struct report *report)
{
	for (size_t i = 0; i < COUNT_OF(jobs); i++) {
		if (strcmp(options->mode, jobs[i].name) == 0)
			return crew_run(options, jobs[i].job, report);
	}
	return start_run(options, report);
}

int
main(int argc, char **argv)
{
	struct options options = options_parse(argc, argv);
	struct report report;

	(void)signal(SIGPIPE, SIG_IGN);
	report_begin(&report);
	int r = run(&options, &report);
	if (r == 0)
		report_print(&report);
	else
		report_drop(&report);
	return r == 0 ? 0 : 1;
}
