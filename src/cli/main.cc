#include "cli/program.h"

int main(int argc, char** argv) { return sd::run_program(argc, argv); }
