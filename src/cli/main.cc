#include "cli/program.h"

int main(int argc, char** argv) { return sd::cli::run_program(argc, argv); }
