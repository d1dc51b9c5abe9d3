#include "cli/terminal_picture.h"

#include <chafa.h>

#include <memory>
#include <string>

#include "base/environment.h"

namespace sd::cli {
namespace {

struct Unref {
  void operator()(ChafaTermInfo* info) const { chafa_term_info_unref(info); }
  void operator()(ChafaCanvasConfig* config) const { chafa_canvas_config_unref(config); }
  void operator()(ChafaSymbolMap* map) const { chafa_symbol_map_unref(map); }
  void operator()(ChafaCanvas* canvas) const { chafa_canvas_unref(canvas); }
};
template <class T>
using Owned = std::unique_ptr<T, Unref>;

Owned<ChafaTermInfo> terminal_here() {
  gchar** environment = g_get_environ();
  Owned<ChafaTermInfo> info(chafa_term_db_detect(chafa_term_db_get_default(), environment));
  g_strfreev(environment);
  return info;
}

/// Whether another program stands between this one and the terminal, which draws symbols only.
bool is_multiplexed() {
  const std::string term = variable("TERM");
  return !variable("TMUX").empty() || term.starts_with("tmux") || term.starts_with("screen");
}

ChafaPixelMode pixel_mode(const ChafaTermInfo* info) {
  const auto has = [info](ChafaTermSeq sequence) {
    return chafa_term_info_have_seq(info, sequence) != FALSE;
  };
  if (is_multiplexed()) return CHAFA_PIXEL_MODE_SYMBOLS;
  if (has(CHAFA_TERM_SEQ_BEGIN_KITTY_IMMEDIATE_IMAGE_V1)) return CHAFA_PIXEL_MODE_KITTY;
  if (has(CHAFA_TERM_SEQ_BEGIN_ITERM2_IMAGE)) return CHAFA_PIXEL_MODE_ITERM2;
  if (has(CHAFA_TERM_SEQ_BEGIN_SIXELS)) return CHAFA_PIXEL_MODE_SIXELS;
  return CHAFA_PIXEL_MODE_SYMBOLS;
}

ChafaCanvasMode canvas_mode(bool colour) {
  if (!colour) return CHAFA_CANVAS_MODE_FGBG;
  if (variable("COLORTERM") == "truecolor" || variable("COLORTERM") == "24bit") {
    return CHAFA_CANVAS_MODE_TRUECOLOR;
  }
  return variable("TERM").find("256") != std::string::npos ? CHAFA_CANVAS_MODE_INDEXED_240
                                                           : CHAFA_CANVAS_MODE_INDEXED_16;
}

Owned<ChafaCanvasConfig> canvas_config(const Image& image, int columns, int rows,
                                       ChafaPixelMode pixels, bool colour) {
  constexpr float kCellShape = 0.5F;  // width by height
  Owned<ChafaCanvasConfig> config(chafa_canvas_config_new());
  gint width = columns, height = rows;
  chafa_calc_canvas_geometry(image.width, image.height, &width, &height, kCellShape,
                             /*zoom=*/FALSE, /*stretch=*/FALSE);
  chafa_canvas_config_set_geometry(config.get(), width, height);
  chafa_canvas_config_set_pixel_mode(config.get(), pixels);
  chafa_canvas_config_set_canvas_mode(config.get(), pixels == CHAFA_PIXEL_MODE_SYMBOLS
                                                        ? canvas_mode(colour)
                                                        : CHAFA_CANVAS_MODE_TRUECOLOR);
  const Owned<ChafaSymbolMap> symbols(chafa_symbol_map_new());
  chafa_symbol_map_add_by_tags(
      symbols.get(), static_cast<ChafaSymbolTags>(CHAFA_SYMBOL_TAG_BLOCK | CHAFA_SYMBOL_TAG_SPACE |
                                                  CHAFA_SYMBOL_TAG_BORDER));
  chafa_canvas_config_set_symbol_map(config.get(), symbols.get());
  return config;
}

std::string drawn(const Image& image, const Owned<ChafaTermInfo>& info,
                  const Owned<ChafaCanvasConfig>& config) {
  const Owned<ChafaCanvas> canvas(chafa_canvas_new(config.get()));
  chafa_canvas_draw_all_pixels(canvas.get(), CHAFA_PIXEL_RGB8, image.rgb.data(), image.width,
                               image.height, image.width * 3);
  GString* printed = chafa_canvas_print(canvas.get(), info.get());
  std::string text(printed->str, printed->len);
  g_string_free(printed, TRUE);
  return text + "\n";
}

}  // namespace

std::string terminal_picture(const Image& image, int columns, int rows, bool colour) {
  const Owned<ChafaTermInfo> info = terminal_here();
  return drawn(image, info, canvas_config(image, columns, rows, pixel_mode(info.get()), colour));
}

std::string symbol_picture(const Image& image, int columns, int rows, bool colour) {
  return drawn(image, terminal_here(),
               canvas_config(image, columns, rows, CHAFA_PIXEL_MODE_SYMBOLS, colour));
}

}  // namespace sd::cli
