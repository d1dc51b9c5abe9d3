# -DSD_SANITIZE=address,undefined builds everything of ours with those sanitizers.
set(SD_SANITIZE "" CACHE STRING "Sanitizers to build with, e.g. address,undefined")
if(SD_SANITIZE)
  add_compile_options(-fsanitize=${SD_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${SD_SANITIZE})
endif()
