/* work_alone.h - "capillaries work-alone ...": what a process starts for a batch on which others died (run/alone.h). Not a command
 * for people, so it is in no list of them. */
#pragma once

int capi_work_alone_main(int argc, char **argv);
