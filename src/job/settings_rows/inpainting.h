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
          .help = "a picture whose white is drawn anew and whose black is kept; alpha: the init "
                  "image's own, drawn anew where it is transparent",
          .kind = "FILE",
          .scripts = kImg,
          .where = kBoth,
          .record = "/inpaint/mask",
          .sparse = true,
          .endings = "png jpg jpeg webp tif tiff gif bmp ppm pgm tga psd hdr"});
  v("inpaint_mode", mask.mode,
    About{.flags = "inpaint-mode",
          .group = kInpaint,
          .help = "how the mask is obeyed: as runwayml's models of 9 channels do, as CompVis' "
                  "samplers do, or as AUTOMATIC1111's web UI does",
          .more = "`runwayml` and `ldm` start from noise and take no `--strength`; `ldm` takes the "
                  "samplers ddim and plms, the others take all; `webui` takes models of either "
                  "kind",
          .fallback = "runwayml with a model of 9 channels, else ldm",
          .scripts = kImg,
          .where = kBoth,
          .record = "/inpaint/mode",
          .sparse = true});
  v("invert_mask", mask.invert,
    About{.flags = "invert-mask",
          .group = kInpaint,
          .help = "keep the mask's white and draw its black anew",
          .scripts = kImg,
          .where = kBoth,
          .record = "/inpaint/invert",
          .sparse = true});
  v("mask_blur", mask.blur,
    About{.flags = "mask-blur",
          .group = kInpaint,
          .help = "deviation, in pixels, by which the mask's edges are blurred",
          .fallback = "4 with webui, else 0",
          .limits = {0, 512},
          .scripts = kImg,
          .where = kBoth,
          .record = "/inpaint/blur",
          .sparse = true});
  v("inpaint_fill", mask.fill,
    About{.flags = "inpaint-fill",
          .group = kInpaint,
          .help = "webui: what the masked part is before noise is added: the picture, its blurred "
                  "surroundings, noise, or zeros of the latent",
          .scripts = kImg,
          .where = kBoth,
          .record = "/inpaint/fill",
          .sparse = true});
  v("only_masked", mask.only_masked,
    About{.flags = "only-masked",
          .group = kInpaint,
          .help = "draw the part of the picture that the mask lies in, at the size that is drawn, "
                  "and put it back",
          .scripts = kImg,
          .where = kBoth,
          .record = "/inpaint/only_masked",
          .sparse = true});
  v("padding", mask.padding,
    About{.flags = "padding",
          .group = kInpaint,
          .help = "pixels of the picture around the mask in that part",
          .limits = {0, kMaxSide},
          .scripts = kImg,
          .where = kBoth,
          .record = "/inpaint/padding",
          .sparse = true});
  v("soft_mask", mask.soft,
    About{.flags = "soft-mask",
          .group = kInpaint,
          .help = "draw the mask's greys anew by their share; else they are white or black",
          .scripts = kImg,
          .where = kBoth,
          .record = "/inpaint/soft",
          .sparse = true});
  v("no_paste", mask.no_paste,
    About{.flags = "no-paste",
          .group = kInpaint,
          .help = "leave what is kept as the autoencoder decodes it, instead of pasting the init "
                  "image's pixels over it",
          .scripts = kImg,
          .where = kBoth,
          .record = "/inpaint/no_paste",
          .sparse = true});
  v("resize_mode", mask.resize,
    About{.flags = "resize-mode",
          .group = kInpaint,
          .help = "how the init image is brought to another shape: stretched, cropped, or padded "
                  "with its edges",
          .scripts = kImg,
          .where = kBoth,
          .record = "/inpaint/resize",
          .sparse = true});
  v("outpaint", mask.outpaint,
    About{.flags = "outpaint",
          .group = kInpaint,
          .help = "let the picture grow by so many pixels to the left, top, right and bottom, and "
                  "draw what is new",
          .scripts = kImg,
          .where = kBoth,
          .record = "/inpaint/outpaint",
          .sparse = true});
}

}  // namespace sd::job
