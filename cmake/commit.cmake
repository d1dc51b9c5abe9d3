# Writes OUT, a header with the commit of SOURCE, if that is another than OUT has.
execute_process(COMMAND git -C "${SOURCE}" rev-parse HEAD
  OUTPUT_VARIABLE commit OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE status)
if(NOT status EQUAL 0)
  set(commit "")
endif()
execute_process(COMMAND git -C "${SOURCE}" status --porcelain --untracked-files=no
  OUTPUT_VARIABLE changes OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
if(changes AND commit)
  string(APPEND commit "+")
endif()
file(CONFIGURE OUTPUT "${OUT}" CONTENT "#define SD_COMMIT \"${commit}\"\n")
