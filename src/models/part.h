#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <memory>
#include <utility>

#include "runtime/profile.h"

namespace sd::models {

/// True if the result holds values that are not numbers and `dtype` is narrower than float32; says
/// then that `what` went beyond its type.
bool is_too_narrow(const at::Tensor& result, at::ScalarType dtype, const char* what);

/// A network of a model, which is made again in float32 where its type turns out to be too narrow.
/// Cheap to copy: copies share the network, and each widens alone.
template <class Net>
class Part {
 public:
  using Make = std::function<std::shared_ptr<const Net>(at::ScalarType)>;

  /// `name`: as messages and the profile call it. `make` may be called again at any time, so that
  /// it must own what it needs.
  Part(const char* name, at::ScalarType dtype, Make make)
      : name_(name), dtype_(dtype), make_(std::move(make)) {
    net_ = runtime::in_zone(name_, [&] { return make_(dtype_); });
  }

  const Net& get() const { return *net_; }
  const Net& operator*() const { return *net_; }
  const Net* operator->() const { return net_.get(); }

  /// Whether the network must be called again for this result: it holds values that are not
  /// numbers, and a wider type may hold them. Then that is said, and the network is in float32 from
  /// now on. (A latent that lost its numbers in some step does not find them again: it is enough to
  /// look at the last.)
  bool widen(const at::Tensor& result) {
    if (!is_too_narrow(result, dtype_, name_)) return false;
    dtype_ = at::kFloat;
    net_ = make_(dtype_);
    return true;
  }

 private:
  const char* name_;
  at::ScalarType dtype_;
  Make make_;
  std::shared_ptr<const Net> net_;
};

}  // namespace sd::models
