#pragma once

#include <array>
#include <filesystem>
#include <string>
#include <vector>

#include "image/image_io.h"

/// What a picture of the built-in model is compared with: emoji rendered small, and named colours.
namespace sd::test {

using Colour = std::array<double, 3>;  ///< sRGB, 0 to 255

/// A square picture of doubles: [side, side, 3], sRGB from 0 to 255.
struct SmallPicture {
  int side = 0;
  std::vector<double> rgb;

  Colour at(int pixel) const;
};

/// The means of squares of pixels; the picture's sides must be one multiple of `side`.
SmallPicture shrink(const Image& image, int side);

/// The median of the outermost four pixels on every side, channel by channel.
Colour border_colour(const Image& image);

/// Root of the mean squared difference.
double rms(const SmallPicture& a, const SmallPicture& b);

/// tests/data/demo: emoji on black and on white, made by `scripts/demo_report --test-glyphs`.
/// On a colour c an emoji's picture is, channel by channel, black + (white - black) * c / 255.
class Glyphs {
 public:
  /// Throws where a file is absent or of another size than glyphs.json says.
  explicit Glyphs(const std::filesystem::path& folder);

  int side() const { return side_; }
  const std::vector<std::string>& names() const { return names_; }

  /// Throws std::out_of_range, naming it, for a glyph that is not there.
  size_t index(const std::string& name) const;
  SmallPicture on(size_t glyph, const Colour& background) const;
  /// Pixels that the emoji covers by more than half.
  std::vector<int> area(size_t glyph) const;

  /// The nearest of the named colours.
  std::string colour_name(const Colour& colour) const;
  /// sRGB of a name. Throws std::out_of_range for one that is not there.
  Colour colour(const std::string& name) const;
  /// The name that most of these pixels have.
  std::string main_colour(const SmallPicture& picture, const std::vector<int>& pixels) const;

 private:
  int side_ = 0;
  std::vector<std::string> names_;
  std::vector<SmallPicture> black_, white_;  // by glyph
  std::vector<std::pair<std::string, Colour>> colours_;
};

}  // namespace sd::test
