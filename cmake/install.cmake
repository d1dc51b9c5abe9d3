# `cmake --install` makes a tree that needs neither the source nor the build: the program, its data,
# and the shared libraries of the wheels.
set(SD_LIBDIR "${CMAKE_INSTALL_LIBDIR}/stable-diffusion")
set(SD_DATADIR "${CMAKE_INSTALL_DATADIR}/stable-diffusion")

# The program looks for libraries at the same place below the build folder and the prefix, and in its
# own folder (libsd_cuda.so of the build). Were the two RUNPATHs different, CMake would end the first
# with an empty element, so that it can be written over: that is the current folder.
set_target_properties(sd PROPERTIES
  BUILD_WITH_INSTALL_RPATH ON INSTALL_RPATH "$ORIGIN/../${SD_LIBDIR};$ORIGIN")
cmake_path(GET SD_LIBDIR PARENT_PATH parent)
file(MAKE_DIRECTORY "${CMAKE_BINARY_DIR}/${parent}")
file(CREATE_LINK "${SD_TORCH_DIR}/lib" "${CMAKE_BINARY_DIR}/${SD_LIBDIR}" SYMBOLIC)
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
  list(FILTER cuda_libraries EXCLUDE REGEX "torch_(cpu|python)\\.so$|/libnvvm\\.so")
  install(FILES ${cuda_libraries} DESTINATION "${SD_LIBDIR}")
endif()
install(DIRECTORY "${PROJECT_SOURCE_DIR}/configs" DESTINATION "${SD_DATADIR}")
install(DIRECTORY "${PROJECT_SOURCE_DIR}/models/demo" DESTINATION "${SD_DATADIR}/models"
  OPTIONAL FILES_MATCHING
  PATTERN "*.safetensors" PATTERN "*.yaml" PATTERN "*.json" PATTERN "README.md"
  PATTERN "selftest/*.png")
# What `sd setup-cuda` runs, and the pins that it reads.
install(PROGRAMS "${PROJECT_SOURCE_DIR}/packaging/setup-cuda" DESTINATION "${SD_DATADIR}/packaging")
install(FILES "${PROJECT_SOURCE_DIR}/third_party/requirements.txt"
  "${PROJECT_SOURCE_DIR}/third_party/requirements-cuda.txt" DESTINATION "${SD_DATADIR}/third_party")
install(FILES "${PROJECT_SOURCE_DIR}/LICENSE" "${PROJECT_SOURCE_DIR}/NOTICE"
  DESTINATION "${CMAKE_INSTALL_DATADIR}/doc/stable-diffusion")
install(DIRECTORY "${PROJECT_SOURCE_DIR}/third_party/licenses"
  DESTINATION "${CMAKE_INSTALL_DATADIR}/doc/stable-diffusion")
