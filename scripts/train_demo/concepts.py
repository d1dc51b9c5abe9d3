"""What the demo model can draw: emoji with the words that name them, colours, plain shapes.

Names follow the short names and keywords of Unicode CLDR's English annotations (version 41, Unicode
licence; Debian's `unicode-cldr-core` has the file), shortened to what people type.
"""

from dataclasses import dataclass

# Named background and shape colours, sRGB bytes. Far apart, so that a picture's colour can be told.
COLOURS = {
    "white": (255, 255, 255),
    "black": (20, 20, 20),
    "gray": (140, 140, 140),
    "red": (220, 40, 40),
    "orange": (250, 140, 30),
    "yellow": (250, 215, 50),
    "green": (50, 160, 70),
    "turquoise": (70, 205, 195),
    "blue": (45, 90, 215),
    "purple": (130, 60, 175),
    "pink": (250, 150, 190),
    "brown": (125, 80, 45),
}
COLOUR_SYNONYMS = {"gray": ("grey",)}

SHAPES = ("circle", "square", "triangle", "star", "diamond", "cross", "ring", "hexagon")


@dataclass(frozen=True)
class Concept:
  """One emoji: its character sequence, the main name and other words for it."""

  glyph: str
  name: str
  aliases: tuple = ()
  tier: int = 1


def _parse(table, tier):
  concepts = []
  for line in table.strip().splitlines():
    glyph, words = line.split(None, 1)
    names = [w.strip() for w in words.split(",")]
    concepts.append(Concept(glyph, names[0], tuple(names[1:]), tier))
  return concepts


# The few of tier 1 that the first steps are for.
FIRST = "🙂💀👻🎃❤️💙💚💛🐶🐱🐼🐸🐷🌳🌵🌻🍄🍎🍊🍌🍉☀️🌙🚗🏠🎈"

# glyph, name, aliases. Tier 1 is drawn from the first step, the others join one by one.
_TIER_1 = """
🙂 smiley face, smiling face, smile
😢 crying face, sad face
😎 cool face, face with sunglasses
💀 skull
👻 ghost
👽 alien
🤖 robot
🎃 pumpkin, jack-o-lantern
❤️ heart, red heart
💙 blue heart
💚 green heart
💛 yellow heart
🐶 dog, dog face, puppy
🐱 cat, cat face, kitten
🐰 rabbit, rabbit face, bunny
🦊 fox
🐼 panda
🐷 pig
🐸 frog
🐧 penguin
🦋 butterfly
🐟 fish
🌳 tree
🌲 pine tree, evergreen tree
🌵 cactus
🌹 rose
🌻 sunflower
🍄 mushroom
🍎 apple, red apple
🍏 green apple
🍊 tangerine
🍋 lemon
🍌 banana
🍉 watermelon
🍓 strawberry
🍕 pizza
☕ coffee, cup of coffee
☀️ sun
🌙 moon, crescent moon
⭐ star emoji, gold star
🌈 rainbow
🔥 fire, flame
⛄ snowman
🚗 car, red car
🚀 rocket
🏠 house
🎈 balloon
🔑 key
"""

_TIER_2 = """
😡 angry face
💩 poop, pile of poo
💜 purple heart
🐵 monkey
🦄 unicorn
🐞 ladybug, lady beetle
🐙 octopus
🦀 crab
🍁 maple leaf
🌸 cherry blossom
🍇 grapes
🍒 cherries
🍍 pineapple
🥑 avocado
🥕 carrot
🍔 hamburger, burger
🍳 fried egg
🍩 doughnut, donut
🍦 ice cream
☁️ cloud
❄️ snowflake
⚡ lightning, high voltage
💧 drop of water, droplet
🌍 earth, globe
⛵ sailboat
☂️ umbrella
🎁 gift, present
🔔 bell
📕 book
⏰ alarm clock, clock
💡 light bulb
✏️ pencil
⚽ soccer ball
🏀 basketball
👑 crown
💎 gem, gem stone
"""

_TIER_3 = """
😍 face with heart eyes, love face
💔 broken heart
🐭 mouse, mouse face
🐻 bear
🦁 lion
🐯 tiger
🐮 cow
🐔 chicken
🦉 owl
🐝 bee, honeybee
🐌 snail
🐢 turtle
🐳 whale
🐘 elephant
🦆 duck
🌴 palm tree
🌷 tulip
🍀 four leaf clover, clover
🍐 pear
🍑 peach
🍅 tomato
🌽 corn
🍆 eggplant
🍞 bread
🧀 cheese
🍟 french fries
🍪 cookie
🍭 lollipop
🍺 beer
🌋 volcano
🚌 bus
🚜 tractor
🚲 bicycle, bike
⚓ anchor
🏰 castle
⛺ tent
🔒 lock
📷 camera
🎸 guitar
🏆 trophy
🎩 top hat
👗 dress
💣 bomb
"""

_TIER_4 = """
🤡 clown
😴 sleeping face
😱 screaming face
😇 angel face, face with halo
😈 devil face
🤠 cowboy
🐨 koala
🐹 hamster
🐴 horse
🐺 wolf
🐦 bird
🐤 chick, baby chick
🐛 caterpillar, bug
🕷️ spider
🐍 snake
🐬 dolphin
🦈 shark
🦒 giraffe
🦕 dinosaur
🐊 crocodile
🐠 tropical fish
🌺 hibiscus
🌼 blossom, flower
🍂 fallen leaves
🥝 kiwi
🥥 coconut
🥦 broccoli
🧅 onion
🥔 potato
🥨 pretzel
🥐 croissant
🌭 hot dog
🌮 taco
🍣 sushi
🍿 popcorn
🍫 chocolate
🍬 candy
🎂 birthday cake, cake
🧁 cupcake
🍷 wine, wine glass
🍵 tea, cup of tea
🌊 wave, water wave
🌕 full moon
🌪️ tornado
🏔️ mountain
🏝️ island, desert island
🚕 taxi
🚒 fire engine
🚓 police car
🚂 locomotive, train
✈️ airplane, plane
🚁 helicopter
🚢 ship
🛸 flying saucer, ufo
⛪ church
🎡 ferris wheel
🎹 piano
🥁 drum
🎺 trumpet
🎨 palette
🎲 dice
🏈 football
⚾ baseball
🎾 tennis ball
🎱 billiard ball
🥇 gold medal
👕 shirt
👖 jeans
👟 shoe, sneaker
👓 glasses
💍 diamond ring
🧲 magnet
🔨 hammer
✂️ scissors
🗡️ dagger, sword
🛡️ shield
⏳ hourglass
🔍 magnifying glass
🪑 chair
🚪 door
✉️ envelope
📱 phone, mobile phone
💻 laptop, computer
📺 television
🕯️ candle
🧸 teddy bear
🪁 kite
👁️ eye
👍 thumbs up
🧠 brain
🦴 bone
🦷 tooth
💰 money bag, money
"""

CONCEPTS = [c for tier, table in enumerate((_TIER_1, _TIER_2, _TIER_3, _TIER_4), start=1)
            for c in _parse(table, tier)]
