# Manual pages and completions, which the program itself writes, in the build's share folder.
set(SD_PAGES_DIR "${CMAKE_BINARY_DIR}/share")
set(man "${SD_PAGES_DIR}/man/man1")
set(bash "${SD_PAGES_DIR}/bash-completion/completions")
set(zsh "${SD_PAGES_DIR}/zsh/site-functions")
set(fish "${SD_PAGES_DIR}/fish/vendor_completions.d")
add_custom_command(OUTPUT "${man}/sd.1" "${bash}/sd" "${zsh}/_sd" "${fish}/sd.fish"
  COMMAND "${CMAKE_COMMAND}" -E rm -rf "${man}"
  COMMAND "${CMAKE_COMMAND}" -E make_directory "${man}" "${bash}" "${zsh}" "${fish}"
  COMMAND sd man --outdir "${man}" >"${CMAKE_BINARY_DIR}/man-pages.txt"
  COMMAND sd completion bash >"${bash}/sd"
  COMMAND sd completion zsh >"${zsh}/_sd"
  COMMAND sd completion fish >"${fish}/sd.fish"
  DEPENDS sd COMMENT "Writing manual pages and completions")
add_custom_target(sd_pages ALL DEPENDS "${man}/sd.1")

install(DIRECTORY "${SD_PAGES_DIR}/man" DESTINATION "${CMAKE_INSTALL_DATADIR}")
install(DIRECTORY "${SD_PAGES_DIR}/bash-completion" "${SD_PAGES_DIR}/zsh" "${SD_PAGES_DIR}/fish"
  DESTINATION "${CMAKE_INSTALL_DATADIR}")
