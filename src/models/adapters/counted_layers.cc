#include "models/adapters/counted_layers.h"

#include <algorithm>
#include <span>
#include <tuple>

#include "models/adapters/kinds/kinds.h"

namespace sd::models {
namespace {

/// The layers of a block that were replaced, in order.
using Order = std::span<const std::string_view>;

constexpr std::string_view kEarly2023[] = {"attn1.to_q",     "attn1.to_k",    "attn1.to_v",
                                           "attn1.to_out.0", "ff.net.0.proj", "attn2.to_q",
                                           "attn2.to_k",     "attn2.to_v",    "attn2.to_out.0"};
constexpr std::string_view kBefore2023[] = {"attn1.to_q",     "attn1.to_k",    "attn1.to_v",
                                            "attn1.to_out.0", "attn2.to_q",    "attn2.to_k",
                                            "attn2.to_v",     "attn2.to_out.0"};
constexpr std::string_view kToday[] = {"attn1.to_q",     "attn1.to_k",     "attn1.to_v",
                                       "attn1.to_out.0", "attn2.to_q",     "attn2.to_k",
                                       "attn2.to_v",     "attn2.to_out.0", "ff.net.0.proj"};
constexpr std::string_view kTextLayers[] = {"self_attn.k_proj", "self_attn.v_proj",
                                            "self_attn.q_proj", "self_attn.out_proj"};

constexpr Order kUnetOrders[] = {kEarly2023, kBefore2023, kToday};
constexpr Order kTextOrders[] = {kTextLayers};

/// Where diffusers registers it: down_blocks, up_blocks, mid_block; then by the numbers in the
/// name.
std::pair<int, std::vector<int>> place_of(const std::string& diffusers) {
  const int group = diffusers.starts_with("down_blocks") ? 0
                    : diffusers.starts_with("up_blocks") ? 1
                                                         : 2;
  std::vector<int> numbers;
  for (size_t i = 0; i < diffusers.size(); ++i) {
    const bool begins = diffusers[i] == '.' && i + 1 < diffusers.size() &&
                        diffusers[i + 1] >= '0' && diffusers[i + 1] <= '9';
    if (begins) numbers.push_back(std::atoi(diffusers.c_str() + i + 1));
  }
  return {group, numbers};
}

/// The layers of one order, counted.
std::vector<const AdaptedLayer*> in_order(const LayerNames& names, bool is_text, Order order) {
  using Place = std::tuple<int, std::vector<int>, size_t>;
  std::vector<std::pair<Place, const AdaptedLayer*>> placed;
  for (const AdaptedLayer& layer : names.layers()) {
    if (layer.is_text != is_text) continue;
    for (size_t i = 0; i < order.size(); ++i) {
      const std::string end = std::string(1, '.').append(order[i]);
      if (!layer.diffusers.ends_with(end)) continue;
      // The block's own numbers, not those of the leaf ("to_out.0").
      const auto [group, numbers] =
          place_of(layer.diffusers.substr(0, layer.diffusers.size() - end.size()));
      placed.push_back({{group, numbers, i}, &layer});
    }
  }
  std::sort(placed.begin(), placed.end());
  std::vector<const AdaptedLayer*> result;
  result.reserve(placed.size());
  for (const auto& [place, layer] : placed) result.push_back(layer);
  return result;
}

using Counted = std::map<std::string, const AdaptedLayer*>;

struct Match {
  Counted layers;
  bool whole = false;  ///< the file has as many layers as the order
  size_t fit = 0;

  bool is_better_than(const Match& other) const {
    return std::pair(whole && fit > 0, fit) > std::pair(other.whole && other.fit > 0, other.fit);
  }
};

Match match(const AdapterFile& file, const std::string& prefix,
            const std::vector<const AdaptedLayer*>& order) {
  Match result;
  for (size_t i = 0; i < order.size(); ++i) {
    const auto found = file.layers.find(prefix + std::to_string(i));
    if (found == file.layers.end()) continue;
    result.layers.emplace(found->first, order[i]);
    const bool fits =
        kLoraKind.is(found->second) && kLoraKind.fits(found->second, order[i]->weight);
    if (fits) ++result.fit;
  }
  const auto of_network =
      std::count_if(file.layers.begin(), file.layers.end(),
                    [&](const auto& one) { return one.first.starts_with(prefix); });
  result.whole = of_network == std::ssize(order);
  return result;
}

/// Of the orders that which most layers fit; the first of equals.
Match best_match(const AdapterFile& file, const LayerNames& names, const std::string& prefix,
                 bool is_text) {
  Match best;
  for (const Order& order : is_text ? std::span<const Order>(kTextOrders) : kUnetOrders) {
    Match one = match(file, prefix, in_order(names, is_text, order));
    if (one.is_better_than(best) || best.layers.empty()) best = std::move(one);
  }
  return best;
}

}  // namespace

Counted counted_layers(const AdapterFile& file, const LayerNames& names) {
  Counted all = best_match(file, names, "unet:", false).layers;
  all.merge(best_match(file, names, "text_encoder:", true).layers);
  // A list does not say which network it is of.
  Match of_unet = best_match(file, names, "list:", false);
  Match of_text = best_match(file, names, "list:", true);
  all.merge(of_text.is_better_than(of_unet) ? of_text.layers : of_unet.layers);
  return all;
}

}  // namespace sd::models
