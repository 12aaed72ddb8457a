// render_clip: draws the project's own test clip, a street passing by, a cut, then moving shapes.
//
//   render_clip [--size WxH] [--frames N] [--rate N] OUT.y4m      ("-" is stdout)
//
// Integers only, no random numbers, no library: every machine draws the same bytes. What is drawn
// lives in a world of 512x288 units, so every size shows the same scenes; the motion is a few
// units a frame, smooth and partly below a pixel, at different speeds for near and far things.
// Writes Y4M, 4:2:0, BT.601 limited range, from 2x2 samples a pixel.

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

namespace {

constexpr int kUnit = 64;  // positions are in 1/64 world unit
constexpr int kWorldWidth = 512 * kUnit;
constexpr int kWorldHeight = 288 * kUnit;

struct Colour {
  int r, g, b;
};

Colour mix(Colour a, Colour b, int share) {  // share of b, 0 … 256
  return {a.r + (b.r - a.r) * share / 256, a.g + (b.g - a.g) * share / 256,
          a.b + (b.b - a.b) * share / 256};
}

Colour brighter(Colour c, int by) {
  return {std::clamp(c.r + by, 0, 255), std::clamp(c.g + by, 0, 255), std::clamp(c.b + by, 0, 255)};
}

std::uint32_t hash(int a, int b, int seed) {
  std::uint32_t h = static_cast<std::uint32_t>(a) * 374761393U +
                    static_cast<std::uint32_t>(b) * 668265263U +
                    static_cast<std::uint32_t>(seed) * 2246822519U;
  h = (h ^ (h >> 13)) * 1274126177U;
  return h ^ (h >> 16);
}

int floor_div(int a, int b) { return (a >= 0 ? a : a - b + 1) / b; }
int floor_mod(int a, int b) { return a - floor_div(a, b) * b; }

// Smooth noise, -127 … 127, with one random value every `cell` (1/64 units).
int noise(int x, int y, int cell, int seed) {
  const int i = floor_div(x, cell);
  const int j = floor_div(y, cell);
  const int fx = floor_mod(x, cell) * 256 / cell;
  const int fy = floor_mod(y, cell) * 256 / cell;
  const auto at = [&](int di, int dj) {
    return static_cast<int>(hash(i + di, j + dj, seed) & 255U);
  };
  const int top = at(0, 0) * (256 - fx) + at(1, 0) * fx;
  const int bottom = at(0, 1) * (256 - fx) + at(1, 1) * fx;
  return (top * (256 - fy) + bottom * fy) / 65536 - 128;
}

int noise2(int x, int y, int cell, int seed) {
  return (2 * noise(x, y, cell, seed) + noise(x, y, cell / 2, seed + 1)) / 3;
}

bool inside(int x, int y, int left, int top, int right, int bottom) {
  return x >= left * kUnit && x < right * kUnit && y >= top * kUnit && y < bottom * kUnit;
}

bool in_disc(int x, int y, int cx, int cy, int radius) {  // all in 1/64 units
  const std::int64_t dx = x - cx;
  const std::int64_t dy = y - cy;
  return dx * dx + dy * dy < std::int64_t{radius} * radius;
}

constexpr Colour kWalls[] = {{168, 96, 72}, {196, 178, 140}, {120, 128, 140},
                             {150, 72, 64}, {206, 200, 190}, {104, 116, 92}};

// A row of houses: `x` scrolls, each house has its own width share, height and colour.
bool house(int x, int y, int seed, int pitch, int base, int tallest, Colour& colour) {
  const int number = floor_div(x, pitch * kUnit);
  const int within = floor_mod(x, pitch * kUnit);
  const int height = tallest / 2 + static_cast<int>(hash(number, 1, seed) % 64U) * tallest / 128;
  const int top = (base - height) * kUnit;
  if (y < top || y >= base * kUnit || within < 3 * kUnit) return false;
  colour = kWalls[hash(number, 2, seed) % 6U];
  const int brick = noise2(x, y, 5 * kUnit, seed) / 12;
  colour = brighter(colour, brick);
  // Windows: 14 wide, 20 high, dark, some lit.
  const int column = within / (14 * kUnit);
  const int row = (y - top) / (20 * kUnit);
  const int wx = within % (14 * kUnit);
  const int wy = (y - top) % (20 * kUnit);
  if (wx > 5 * kUnit && wx < 11 * kUnit && wy > 6 * kUnit && wy < 15 * kUnit) {
    const bool lit = hash(number * 64 + column, row, seed + 7) % 5U == 0;
    colour = lit ? Colour{236, 206, 120} : Colour{44, 54, 70};
    if (wy > 10 * kUnit && wy < 11 * kUnit) colour = {210, 210, 205};
  }
  return true;
}

// `left` in 1/64 units; drives to the right unless `mirrored`.
void car(int x, int y, int left, bool mirrored, Colour generate, Colour& colour) {
  const int cx = mirrored ? left + 86 * kUnit - x : x - left;
  if (inside(cx, y, 0, 214, 86, 232)) colour = brighter(generate, noise(cx, y, 12 * kUnit, 3) / 16);
  if (inside(cx, y, 18, 200, 62, 214)) colour = {70, 92, 110};
  if (inside(cx, y, 38, 200, 41, 214) || inside(cx, y, 18, 198, 62, 201)) colour = generate;
  if (inside(cx, y, 82, 216, 86, 221)) colour = {250, 240, 190};
  for (const int wheel : {18, 68}) {
    if (in_disc(cx, y, wheel * kUnit, 232 * kUnit, 9 * kUnit)) colour = {26, 26, 28};
    if (in_disc(cx, y, wheel * kUnit, 232 * kUnit, 4 * kUnit)) colour = {150, 150, 155};
  }
}

Colour street(int x, int y, int frame) {
  Colour c = mix({120, 168, 220}, {214, 222, 226}, std::clamp(y / kUnit, 0, 150) * 256 / 150);
  const int cloud = noise2(x + frame * 20, 2 * y, 70 * kUnit, 11);
  if (cloud > 20) c = mix(c, {244, 244, 246}, std::min(220, (cloud - 20) * 5));
  Colour wall{};
  if (house(x + frame * 44, y, 21, 74, 178, 96, wall)) c = mix(wall, {170, 186, 206}, 130);
  if (house(x + frame * 130, y, 22, 104, 190, 140, wall)) c = wall;
  if (y >= 190 * kUnit) {  // pavement, then the road
    const int along = x + frame * 200;
    c = brighter({150, 148, 142}, noise2(along, y, 6 * kUnit, 5) / 8);
    if (floor_mod(along, 40 * kUnit) < kUnit) c = brighter(c, -30);
  }
  if (y >= 206 * kUnit) {
    const int along = x + frame * (230 + (y / kUnit - 206) * 2);
    c = brighter({78, 80, 84}, noise2(along, y, 3 * kUnit, 6) / 7);
    if (inside(0, y, -1, 250, 1, 254) && floor_mod(along, 90 * kUnit) < 46 * kUnit) {
      c = {226, 222, 200};
    }
  }
  car(x, y, 60 * kUnit + frame * 70, false, {176, 34, 40}, c);
  car(x, y, 560 * kUnit - frame * 310, true, {40, 74, 150}, c);
  // A lamp post passes close by.
  const int post = floor_mod(x + frame * 420, 420 * kUnit);
  if (post < 6 * kUnit && y > 60 * kUnit) c = mix({40, 44, 48}, {120, 124, 128}, post * 256 / 384);
  if (post < 40 * kUnit && y > 56 * kUnit && y < 62 * kUnit) c = {46, 50, 54};
  return c;
}

// Runs from 0 to `span` and back, `speed` a frame.
int bounce(int start, int speed, int frame, int span) {
  const int at = floor_mod(start + speed * frame, 2 * span);
  return at < span ? at : 2 * span - at;
}

Colour shapes(int x, int y, int frame) {
  const int u = x + frame * 48;
  const int v = y + frame * 30;
  const int blotch = std::clamp(noise2(u, v, 34 * kUnit, 31) + 128, 0, 256);
  Colour c = mix({38, 70, 62}, {150, 170, 96}, blotch);
  c = brighter(c, noise(u, v, 4 * kUnit, 32) / 8);
  // A checkered disc and a striped square bounce, a ring widens.
  const int dx = bounce(80 * kUnit, 250, frame, 400 * kUnit) + 56 * kUnit;
  const int dy = bounce(30 * kUnit, 170, frame, 180 * kUnit) + 54 * kUnit;
  if (in_disc(x, y, dx, dy, 46 * kUnit)) {
    const int check = (floor_div(x - dx, 12 * kUnit) + floor_div(y - dy, 12 * kUnit)) & 1;
    c = check != 0 ? Colour{230, 120, 40} : Colour{250, 224, 180};
    c = brighter(c, (dx - x + dy - y) / (3 * kUnit));
  }
  const int sx = x - bounce(300 * kUnit, 190, frame, 420 * kUnit);
  const int sy = y - bounce(150 * kUnit, 110, frame, 200 * kUnit);
  if (sx >= 0 && sy >= 0 && sx < 84 * kUnit && sy < 84 * kUnit) {
    c = floor_mod(sx + sy, 18 * kUnit) < 9 * kUnit ? Colour{56, 70, 160} : Colour{176, 190, 236};
    c = brighter(c, noise(sx, sy, 9 * kUnit, 33) / 6);
  }
  const int radius = 30 * kUnit + frame * 60;
  if (in_disc(x, y, 256 * kUnit, 144 * kUnit, radius + 6 * kUnit) &&
      !in_disc(x, y, 256 * kUnit, 144 * kUnit, radius)) {
    c = {214, 214, 220};
  }
  return c;
}

constexpr int kCutPercent = 62;  // of the clip, where the street ends

Colour world(int x, int y, int frame, int frames) {
  const int cut = frames * kCutPercent / 100;
  return frame < cut ? street(x, y, frame) : shapes(x, y, frame - cut);
}

// One frame as planar 4:2:0.
std::vector<std::uint8_t> draw(int width, int height, int frame, int frames) {
  const int cw = (width + 1) / 2;
  const int ch = (height + 1) / 2;
  const std::size_t luma_size = static_cast<std::size_t>(width) * static_cast<std::size_t>(height);
  const std::size_t chroma_size = static_cast<std::size_t>(cw) * static_cast<std::size_t>(ch);
  std::vector<std::uint8_t> planes(luma_size + 2 * chroma_size);
  std::vector<int> cb(chroma_size), cr(chroma_size), count(chroma_size);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      Colour sum{0, 0, 0};
      for (int s = 0; s < 4; ++s) {
        const int wx = (4 * x + 1 + 2 * (s & 1)) * (kWorldWidth / 4) / width;
        const int wy = (4 * y + 1 + 2 * (s >> 1)) * (kWorldHeight / 4) / height;
        const Colour c = world(wx, wy, frame, frames);
        sum = {sum.r + c.r, sum.g + c.g, sum.b + c.b};
      }
      const int r = sum.r / 4;
      const int g = sum.g / 4;
      const int b = sum.b / 4;
      planes[static_cast<std::size_t>(y) * static_cast<std::size_t>(width) +
             static_cast<std::size_t>(x)] =
          static_cast<std::uint8_t>(16 + (66 * r + 129 * g + 25 * b + 128) / 256);
      const std::size_t at = static_cast<std::size_t>(y / 2) * static_cast<std::size_t>(cw) +
                             static_cast<std::size_t>(x / 2);
      cb[at] += -38 * r - 74 * g + 112 * b;
      cr[at] += 112 * r - 94 * g - 18 * b;
      ++count[at];
    }
  }
  for (std::size_t i = 0; i < chroma_size; ++i) {
    planes[luma_size + i] = static_cast<std::uint8_t>(128 + floor_div(cb[i] / count[i] + 128, 256));
    planes[luma_size + chroma_size + i] =
        static_cast<std::uint8_t>(128 + floor_div(cr[i] / count[i] + 128, 256));
  }
  return planes;
}

int complain(const std::string& sentence) {
  std::fprintf(stderr, "render_clip: %s\n", sentence.c_str());
  return 2;
}

}  // namespace

int main(int argc, char** argv) {
  int width = 512;
  int height = 288;
  int frames = 100;
  int rate = 25;
  std::string path;
  for (int i = 1; i < argc; ++i) {
    const std::string option = argv[i];
    const char* value = i + 1 < argc ? argv[i + 1] : "";
    if (option == "--size" && std::sscanf(value, "%dx%d", &width, &height) == 2) {
      ++i;
    } else if (option == "--frames" && std::sscanf(value, "%d", &frames) == 1) {
      ++i;
    } else if (option == "--rate" && std::sscanf(value, "%d", &rate) == 1) {
      ++i;
    } else if (path.empty() && (option == "-" || option.rfind('-', 0) != 0)) {
      path = option;
    } else {
      return complain("usage: render_clip [--size WxH] [--frames N] [--rate N] OUT.y4m");
    }
  }
  if (path.empty()) return complain("name the file to write, e.g. clip.y4m, or - for stdout");
  if (width < 16 || height < 16 || width > 4096 || height > 4096) {
    return complain("--size: each side is 16 … 4096 pixels");
  }
  if (frames < 1 || frames > 1000 || rate < 1 || rate > 240) {
    return complain("--frames is 1 … 1000, --rate is 1 … 240");
  }
  std::FILE* out = path == "-" ? stdout : std::fopen(path.c_str(), "wb");
  if (out == nullptr) return complain("cannot write " + path + ": " + std::strerror(errno));
  std::fprintf(out, "YUV4MPEG2 W%d H%d F%d:1 Ip A1:1 C420jpeg XCOLORRANGE=LIMITED\n", width, height,
               rate);
  for (int frame = 0; frame < frames; ++frame) {
    const std::vector<std::uint8_t> planes = draw(width, height, frame, frames);
    std::fputs("FRAME\n", out);
    std::fwrite(planes.data(), 1, planes.size(), out);
  }
  if (std::ferror(out) != 0 || std::fclose(out) != 0) {
    return complain("could not write all of " + path + ": " + std::strerror(errno));
  }
  return 0;
}
