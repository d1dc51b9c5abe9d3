#pragma once

#include "job/settings_rows/about.h"

namespace sd::job {

/// What img2img draws anew of its picture. The names in `a1111` are those of the web UI's text.
template <class S, class V>
void visit_inpaint_settings(S& s, V&& v) {
  using enum SettingGroup;
  using enum Settable;
  constexpr Scripts kImg = Scripts::kImg2Img;
  auto& mask = s.batch.init.mask;
  v("mask", mask.file,
    About{.flags = "mask",
          .group = kInpaint,
          .help = "a picture that marks what to redraw in white and what to keep in black; alpha: "
                  "redraw the transparent parts of the init image",
          .kind = "FILE",
          .scripts = kImg,
          .where = kBoth,
          .record = "/inpaint/mask",
          .sparse = true,
          .endings = "png jpg jpeg webp tif tiff gif bmp ppm pgm tga psd hdr"});
  v("inpaint_mode", mask.mode,
    About{.flags = "inpaint-mode",
          .group = kInpaint,
          .help = "how the mask is applied: as runwayml's models of 9 channels do, as CompVis' "
                  "samplers do, or as AUTOMATIC1111's web UI does",
          .more = "`runwayml` and `ldm` start from noise and do not take `--strength`; `ldm` works "
                  "with the samplers ddim and plms, the others with all; `webui` works with models "
                  "of either kind",
          .fallback = "runwayml with a model of 9 channels, else ldm",
          .scripts = kImg,
          .where = kBoth,
          .record = "/inpaint/mode",
          .sparse = true});
  v("invert_mask", mask.invert,
    About{.flags = "invert-mask",
          .group = kInpaint,
          .help = "keep the mask's white part and redraw its black part",
          .scripts = kImg,
          .where = kBoth,
          .record = "/inpaint/invert",
          .sparse = true});
  v("mask_blur", mask.blur,
    About{.flags = "mask-blur",
          .group = kInpaint,
          .help = "blur the mask's edges by this standard deviation, in pixels",
          .fallback = "4 with webui, else 0",
          .limits = {0, 512},
          .scripts = kImg,
          .where = kBoth,
          .record = "/inpaint/blur",
          .sparse = true});
  v("inpaint_fill", mask.fill,
    About{.flags = "inpaint-fill",
          .group = kInpaint,
          .help = "webui: what fills the masked part before noise is added: the picture itself, "
                  "its blurred surroundings, noise, or zeros in the latent",
          .scripts = kImg,
          .where = kBoth,
          .record = "/inpaint/fill",
          .sparse = true});
  v("only_masked", mask.only_masked,
    About{.flags = "only-masked",
          .group = kInpaint,
          .help = "redraw only the region of the picture around the mask, at the full drawing "
                  "size, and put it back",
          .scripts = kImg,
          .where = kBoth,
          .record = "/inpaint/only_masked",
          .sparse = true});
  v("padding", mask.padding,
    About{.flags = "padding",
          .group = kInpaint,
          .help = "margin of that region around the mask, in pixels of the picture",
          .limits = {0, kMaxSide},
          .scripts = kImg,
          .where = kBoth,
          .record = "/inpaint/padding",
          .sparse = true});
  v("soft_mask", mask.soft,
    About{
        .flags = "soft-mask",
        .group = kInpaint,
        .help = "redraw the mask's grey parts in proportion; otherwise grey becomes white or black",
        .scripts = kImg,
        .where = kBoth,
        .record = "/inpaint/soft",
        .sparse = true});
  v("no_paste", mask.no_paste,
    About{.flags = "no-paste",
          .group = kInpaint,
          .help = "leave the kept part as the autoencoder decodes it, instead of pasting the init "
                  "image's pixels over it",
          .scripts = kImg,
          .where = kBoth,
          .record = "/inpaint/no_paste",
          .sparse = true});
  v("resize_mode", mask.resize,
    About{.flags = "resize-mode",
          .group = kInpaint,
          .help = "how the init image is fitted to another shape: stretched, cropped, or padded "
                  "with its edges",
          .scripts = kImg,
          .where = kBoth,
          .record = "/inpaint/resize",
          .sparse = true});
  v("outpaint", mask.outpaint,
    About{.flags = "outpaint",
          .group = kInpaint,
          .help = "extend the picture by this many pixels to the left, top, right and bottom, and "
                  "draw the new part",
          .scripts = kImg,
          .where = kBoth,
          .record = "/inpaint/outpaint",
          .sparse = true});
}

}  // namespace sd::job
