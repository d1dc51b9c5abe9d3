#include "e2e/glyphs.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <stdexcept>

namespace sd::test {
using namespace image;

namespace {

constexpr int kBorder = 4;

double squared_distance(const Colour& a, const Colour& b) {
  double sum = 0;
  for (size_t i = 0; i < 3; ++i) sum += (a[i] - b[i]) * (a[i] - b[i]);
  return sum;
}

/// The cells of a sheet, row by row.
std::vector<SmallPicture> read_cells(const std::filesystem::path& path, int side, int columns,
                                     size_t count) {
  const Image sheet = read_image(path);
  const int rows = (static_cast<int>(count) + columns - 1) / columns;
  if (sheet.width != columns * side || sheet.height != rows * side) {
    throw std::runtime_error(path.string() + ": another size than glyphs.json says");
  }
  std::vector<SmallPicture> cells;
  for (int cell = 0; cell < static_cast<int>(count); ++cell) {
    SmallPicture picture = {.side = side, .rgb = {}};
    for (int y = 0; y < side; ++y) {
      const uint8_t* row = sheet.at(cell % columns * side, cell / columns * side + y);
      picture.rgb.insert(picture.rgb.end(), row, row + 3 * side);
    }
    cells.push_back(std::move(picture));
  }
  return cells;
}

}  // namespace

Colour SmallPicture::at(int pixel) const {
  const double* p = rgb.data() + 3 * static_cast<size_t>(pixel);
  return {p[0], p[1], p[2]};
}

SmallPicture shrink(const Image& image, int side) {
  const int n = image.width / side;
  if (image.width != image.height || image.width != n * side) {
    throw std::runtime_error("a picture of " + std::to_string(image.width) + "x" +
                             std::to_string(image.height) + " pixels cannot be compared");
  }
  SmallPicture small = {.side = side, .rgb = {}};
  small.rgb.resize(static_cast<size_t>(side) * static_cast<size_t>(side) * 3);
  for (int y = 0; y < image.height; ++y) {
    for (int x = 0; x < image.width; ++x) {
      double* to = small.rgb.data() + 3 * static_cast<size_t>(y / n * side + x / n);
      for (int c = 0; c < 3; ++c) to[c] += image.at(x, y)[c] / static_cast<double>(n * n);
    }
  }
  return small;
}

Colour border_colour(const Image& image) {
  Colour colour = {};
  for (size_t c = 0; c < 3; ++c) {
    std::vector<uint8_t> values;
    for (int y = 0; y < image.height; ++y) {
      for (int x = 0; x < image.width; ++x) {
        const bool inside =
            x >= kBorder && x < image.width - kBorder && y >= kBorder && y < image.height - kBorder;
        if (!inside) values.push_back(image.at(x, y)[c]);
      }
    }
    const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
    std::nth_element(values.begin(), middle, values.end());
    colour[c] = *middle;
  }
  return colour;
}

double rms(const SmallPicture& a, const SmallPicture& b) {
  double sum = 0;
  for (size_t i = 0; i < a.rgb.size(); ++i) sum += (a.rgb[i] - b.rgb[i]) * (a.rgb[i] - b.rgb[i]);
  return std::sqrt(sum / static_cast<double>(a.rgb.size()));
}

Glyphs::Glyphs(const std::filesystem::path& folder) {
  std::ifstream file(folder / "glyphs.json");
  const auto facts = nlohmann::json::parse(file);
  side_ = facts.at("side");
  names_ = facts.at("names");
  for (const auto& [name, value] : facts.at("colours").items()) colours_.emplace_back(name, value);
  const int columns = facts.at("columns");
  black_ = read_cells(folder / "glyphs-on-black.png", side_, columns, names_.size());
  white_ = read_cells(folder / "glyphs-on-white.png", side_, columns, names_.size());
}

size_t Glyphs::index(const std::string& name) const {
  const auto found = std::find(names_.begin(), names_.end(), name);
  if (found == names_.end()) throw std::out_of_range("no glyph is called " + name);
  return static_cast<size_t>(found - names_.begin());
}

SmallPicture Glyphs::on(size_t glyph, const Colour& background) const {
  SmallPicture picture = black_.at(glyph);
  for (size_t i = 0; i < picture.rgb.size(); ++i) {
    picture.rgb[i] += (white_[glyph].rgb[i] - picture.rgb[i]) * background[i % 3] / 255.0;
  }
  return picture;
}

std::vector<int> Glyphs::area(size_t glyph) const {
  std::vector<int> pixels;
  for (int pixel = 0; pixel < side_ * side_; ++pixel) {
    const Colour black = black_.at(glyph).at(pixel);
    const Colour white = white_[glyph].at(pixel);
    double seen_through = 0;
    for (size_t c = 0; c < 3; ++c) seen_through += (white[c] - black[c]) / (3 * 255.0);
    if (seen_through < 0.5) pixels.push_back(pixel);
  }
  return pixels;
}

std::string Glyphs::colour_name(const Colour& colour) const {
  const auto nearest =
      std::min_element(colours_.begin(), colours_.end(), [&](const auto& a, const auto& b) {
        return squared_distance(a.second, colour) < squared_distance(b.second, colour);
      });
  return nearest->first;
}

Colour Glyphs::colour(const std::string& name) const {
  for (const auto& [known, value] : colours_) {
    if (known == name) return value;
  }
  throw std::out_of_range("no colour is called " + name);
}

std::string Glyphs::main_colour(const SmallPicture& picture, const std::vector<int>& pixels) const {
  std::map<std::string, int> counts;
  for (const int pixel : pixels) ++counts[colour_name(picture.at(pixel))];
  const auto most =
      std::max_element(counts.begin(), counts.end(),
                       [](const auto& a, const auto& b) { return a.second < b.second; });
  return most->first;
}

}  // namespace sd::test
