#include "cli/error_of.h"

#include <c10/util/Exception.h>

#include <new>
#include <string>
#include <system_error>

#include "base/split.h"
#include "runtime/card_error.h"
#include "runtime/openmp.h"
#include "runtime/out_of_memory.h"

namespace sd::cli {
namespace {

Error out_of_memory(const std::string& detail_text) {
  return {ErrorKind::kDevice, "out of memory" + detail_text,
          "draw smaller pictures (`height`, `width`) or fewer at once (`n_samples`)"};
}

Error bug(const std::string& message) {
  return {ErrorKind::kInternal, message, "this is a bug; please report it"};
}

Error of_torch(const c10::Error& error) {
  // Its first line says what is wrong; a stack trace follows.
  const std::string message(first_line(error.what_without_backtrace()));
  if (runtime::is_out_of_memory(error)) return out_of_memory(": " + message);
  const auto code = runtime::cuda_error(error);
  if (code && runtime::is_cards_own(*code)) {
    return {ErrorKind::kDevice, "the GPU cannot be used: " + message, runtime::card_hint(*code)};
  }
  return bug("LibTorch: " + message);
}

/// Of the library that LibTorch asks for the processor's cache sizes and instructions.
bool is_about_processor(std::string_view message) {
  return message.find("initialize cpuinfo") != std::string_view::npos;
}

Error of_library(const std::exception& error) {
  const std::string message(first_line(error.what()));
  if (!is_about_processor(message)) return bug(message);
  return {ErrorKind::kDevice, "LibTorch cannot tell what the processor is: " + message,
          "it reads /proc/cpuinfo and /sys/devices/system/cpu: mount /proc and /sys"};
}

}  // namespace

bool ends_use_of_card(const std::exception_ptr& thrown) {
  try {
    std::rethrow_exception(thrown);
  } catch (const std::exception& error) {
    return runtime::cuda_error(error).value_or(runtime::kCudaOutOfMemory) !=
           runtime::kCudaOutOfMemory;
  } catch (...) {
    return false;
  }
}

Error error_of(const std::exception_ptr& thrown) {
  try {
    std::rethrow_exception(thrown);
  } catch (const Error& error) {
    return error;
  } catch (const std::bad_alloc&) {
    return out_of_memory("");
  } catch (const c10::Error& error) {
    return of_torch(error);
  } catch (const std::system_error& error) {
    if (error.code() != std::errc::resource_unavailable_try_again) return of_library(error);
    return runtime::no_thread(error.code().value());
  } catch (const std::exception& error) {
    return of_library(error);
  } catch (...) {
    return bug("something other than an exception was thrown");
  }
}

}  // namespace sd::cli
