# `cmake --install` makes a tree that needs neither the source nor the build: the program, its data,
# and the shared libraries of the wheels.
set(SD_LIBDIR "${CMAKE_INSTALL_LIBDIR}/stable-diffusion")
set(SD_DATADIR "${CMAKE_INSTALL_DATADIR}/stable-diffusion")

set_target_properties(sd PROPERTIES INSTALL_RPATH "$ORIGIN/../${SD_LIBDIR}")
install(TARGETS sd RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}")
install(FILES
  "${SD_TORCH_DIR}/lib/libtorch_cpu.so" "${SD_TORCH_DIR}/lib/libc10.so"
  "${SD_TORCH_DIR}/lib/libgomp.so.1"
  "${SD_TORCH_RUNTIME_DIR}/libcudart.so.13" "${SD_TORCH_RUNTIME_DIR}/libcupti.so.13"
  DESTINATION "${SD_LIBDIR}")
if(SD_BUILD_CUDA)
  install(TARGETS sd_cuda LIBRARY DESTINATION "${SD_LIBDIR}")
endif()
# What `scripts/setup --cuda` brought: all in one folder, where each finds the others.
if(EXISTS "${SD_TORCH_SITE}/nvidia/cudnn")
  file(GLOB cuda_libraries
    "${SD_TORCH_DIR}/lib/libc10_cuda.so" "${SD_TORCH_DIR}/lib/libcaffe2_nvrtc.so"
    "${SD_TORCH_DIR}/lib/libtorch_*.so" "${SD_TORCH_SITE}/nvidia/*/lib/*.so*")
  list(FILTER cuda_libraries EXCLUDE REGEX "torch_(cpu|python)\\.so$")
  install(FILES ${cuda_libraries} DESTINATION "${SD_LIBDIR}")
endif()
install(DIRECTORY "${PROJECT_SOURCE_DIR}/configs" DESTINATION "${SD_DATADIR}")
install(DIRECTORY "${PROJECT_SOURCE_DIR}/models/demo" DESTINATION "${SD_DATADIR}/models"
  OPTIONAL FILES_MATCHING
  PATTERN "*.safetensors" PATTERN "*.yaml" PATTERN "*.json" PATTERN "README.md")
install(FILES "${PROJECT_SOURCE_DIR}/LICENSE" "${PROJECT_SOURCE_DIR}/NOTICE"
  DESTINATION "${CMAKE_INSTALL_DATADIR}/doc/stable-diffusion")
install(DIRECTORY "${PROJECT_SOURCE_DIR}/third_party/licenses"
  DESTINATION "${CMAKE_INSTALL_DATADIR}/doc/stable-diffusion")
