// Times stable-diffusion.cpp's UNet or decoder, through the classes that its own pipeline uses: two
// evaluations of one latent are a guided step, as there. Reads and writes raw float32.
//
//   run_sdcpp unet|decoder CHECKPOINT THREADS REPEAT SIZE INPUTS OUTPUT [flash] [direct]

#include <cstdio>
#include <fstream>
#include <functional>
#include <iterator>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "auto_encoder_kl.hpp"
#include "stopwatch.h"
#include "unet.hpp"

namespace {

using Tensor = sd::Tensor<float>;
constexpr float kTime = 500;  // of the training schedule

struct Arguments {
  std::string part, checkpoint, inputs, output;
  int threads, repeat;
  int64_t size;
  std::set<std::string> options;
};

/// `shape` is the innermost dimension first, as everywhere in ggml.
Tensor read(const Arguments& arguments, const std::string& name, std::vector<int64_t> shape) {
  Tensor tensor(std::move(shape));
  std::ifstream file(arguments.inputs + "/" + name + ".f32", std::ios::binary);
  file.read(reinterpret_cast<char*>(tensor.data()), tensor.numel() * sizeof(float));
  if (!file) throw std::runtime_error("cannot read the input " + name);
  return tensor;
}

/// Half of a context of two rows.
Tensor context_row(const Tensor& both, int64_t row) {
  Tensor one({768, 77, 1});
  std::copy_n(both.data() + row * one.numel(), one.numel(), one.data());
  return one;
}

template <class Runner>
void load_weights(ModelLoader* loader, Runner* runner, const std::string& prefix,
                  const Arguments& arguments) {
  if (arguments.options.count("flash") > 0) runner->set_flash_attention_enabled(true);
  if (arguments.options.count("direct") > 0) runner->set_conv2d_direct_enabled(true);
  runner->alloc_params_buffer();
  std::map<std::string, ggml_tensor*> tensors;
  runner->get_param_tensors(tensors, prefix);
  std::set<std::string> others;
  for (const std::string& name : loader->get_tensor_names()) {
    if (name.rfind(prefix + ".", 0) != 0) others.insert(name);
  }
  if (!loader->load_tensors(tensors, others, arguments.threads)) {
    throw std::runtime_error("cannot load the weights below " + prefix);
  }
}

/// Computes once and returns all values.
using Compute = std::function<std::vector<float>()>;

Compute load_unet(ModelLoader* loader, const Arguments& arguments) {
  const std::string prefix = "model.diffusion_model";
  auto runner = std::make_shared<UNetModelRunner>(ggml_backend_cpu_init(), false,
                                                  loader->get_tensor_storage_map(), prefix);
  load_weights(loader, runner.get(), prefix, arguments);
  const Tensor x = read(arguments, "x", {arguments.size, arguments.size, 4, 1});
  const Tensor context = read(arguments, "context", {768, 77, 2});
  return [runner, x, context, threads = arguments.threads] {
    std::vector<float> result;
    for (int64_t row = 0; row < 2; ++row) {
      const Tensor one =
          runner->compute(threads, x, Tensor({1}, {kTime}), context_row(context, row));
      result.insert(result.end(), one.values().begin(), one.values().end());
    }
    return result;
  };
}

Compute load_decoder(ModelLoader* loader, const Arguments& arguments) {
  const std::string prefix = "first_stage_model";
  auto runner = std::make_shared<AutoEncoderKL>(
      ggml_backend_cpu_init(), false, loader->get_tensor_storage_map(), prefix, true, false);
  load_weights(loader, runner.get(), prefix, arguments);
  const Tensor z = read(arguments, "z", {arguments.size, arguments.size, 4, 1});
  return [runner, z, threads = arguments.threads] {
    return runner->decode(threads, z, sd_tiling_params_t{}).values();
  };
}

void measure(const Arguments& arguments) {
  Stopwatch watch;
  ModelLoader loader;
  if (!loader.init_from_file_and_convert_name(arguments.checkpoint)) {
    throw std::runtime_error("cannot read " + arguments.checkpoint);
  }
  const Compute compute =
      arguments.part == "unet" ? load_unet(&loader, arguments) : load_decoder(&loader, arguments);
  watch.ready();
  std::vector<float> result;
  for (int i = 0; i < arguments.repeat; ++i) result = watch.time(compute);
  watch.print();
  std::ofstream(arguments.output, std::ios::binary)
      .write(reinterpret_cast<const char*>(result.data()),
             static_cast<std::streamsize>(result.size() * sizeof(float)));
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  if (words.size() < 7) {
    std::fprintf(stderr,
                 "run_sdcpp unet|decoder CHECKPOINT THREADS REPEAT SIZE INPUTS OUTPUT "
                 "[flash] [direct]\n");
    return 2;
  }
  try {
    measure({words[0], words[1], words[5], words[6], std::stoi(words[2]), std::stoi(words[3]),
             std::stoll(words[4]), std::set<std::string>(words.begin() + 7, words.end())});
  } catch (const std::exception& error) {
    std::fprintf(stderr, "error: %s\n", error.what());
    return 1;
  }
  return 0;
}
