// Puts the map in place, keeps the keyboard's focus across updates, and reports the point that
// was picked and the points that were selected. The markup comes from the server with every text
// escaped. Shift with a click, or with Enter or Space, adds a point to the selection or takes it
// out; Ctrl+A selects all, Escape none.

const SIDE = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }
const tellers = new WeakMap()

function tileOf(event) {
  return event.target.closest?.(".tile") ?? null
}

function nearest(root, tile, [dx, dy]) {
  const x = Number(tile.dataset.x), y = Number(tile.dataset.y)
  let best = null, bestCost = Infinity
  for (const other of root.querySelectorAll(".tile")) {
    const along = (other.dataset.x - x) * dx + (other.dataset.y - y) * dy
    const across = Math.abs((other.dataset.x - x) * dy) + Math.abs((other.dataset.y - y) * dx)
    const cost = along + 3 * across
    if (other !== tile && along > 1 && cost < bestCost) { best = other; bestCost = cost }
  }
  return best
}

function words(seconds) {
  if (seconds < 60) return "less than a minute ago"
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`
  if (seconds < 86400) return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min ago`
  return `${Math.floor(seconds / 86400)} d ago`
}

// Every tile's sentence ends with its age. It is counted here, by the page's own clock, so that
// it goes on when nothing comes from the server any more.
function tellAges(root) {
  const now = Number(document.documentElement.dataset.pmtNow || Date.now() / 1000)
  for (const tile of root.querySelectorAll(".tile")) {
    const title = tile.querySelector("title")
    tile.told ??= title.textContent
    const told = `${tile.told}, ${tile.dataset.sinceWord} ${words(now - Number(tile.dataset.since))}`
    if (title.textContent !== told) {
      title.textContent = told
      tile.setAttribute("aria-label", told)
    }
  }
}

function draw(root, svg, parent) {
  if (root.drawn === svg) return
  const focused = parent.activeElement?.dataset?.point
  root.innerHTML = svg
  root.drawn = svg
  if (focused) root.querySelector(`[data-point="${CSS.escape(focused)}"]`)?.focus()
}

function mark(root, picked) {
  for (const tile of root.querySelectorAll(".tile")) {
    tile.setAttribute("aria-pressed", String(tile.dataset.point === picked))
    tile.classList.toggle("selected", root.chosen.has(tile.dataset.point))
  }
}

function watchAges(root, parent) {
  if (tellers.has(parent)) return
  tellers.set(parent, setInterval(() => tellAges(root), 5000))
}

export default function ({ data, parentElement, setTriggerValue, setStateValue }) {
  const root = parentElement.querySelector(".photocathode")
  draw(root, data.svg, parentElement)
  // The selection lives here; the server replaces it only when it says so with a new number.
  if (!root.chosen || root.round !== data.round) {
    root.round = data.round
    root.chosen = new Set(data.selected ?? [])
  }
  root.classList.toggle("adding", Boolean(data.adding))
  mark(root, data.picked)
  tellAges(root)
  watchAges(root, parentElement)
  const select = (names) => {
    root.chosen = new Set(names)
    mark(root, data.picked)
    setStateValue("selected", { round: data.round, names: [...root.chosen] })
  }
  const act = (tile, isAdded) => {
    const name = tile.dataset.point
    if (isAdded && data.many) {
      const others = [...root.chosen].filter((other) => other !== name)
      select(root.chosen.has(name) ? others : [...others, name])
      return
    }
    mark(root, name)
    setTriggerValue("picked", name)
  }
  root.onclick = (event) => {
    const tile = tileOf(event)
    if (tile) act(tile, event.shiftKey || data.adding)
  }
  root.onkeydown = (event) => {
    const tile = tileOf(event)
    if (!tile) return
    const isAll = data.many && event.key === "a" && (event.ctrlKey || event.metaKey)
    if (event.key === "Enter" || event.key === " ") act(tile, event.shiftKey)
    else if (event.key in SIDE) nearest(root, tile, SIDE[event.key])?.focus()
    else if (isAll) select([...root.querySelectorAll(".tile")].map((each) => each.dataset.point))
    else if (event.key === "Escape" && root.chosen.size) select([])
    else return
    event.preventDefault()
  }
  return () => {
    clearInterval(tellers.get(parentElement))
    tellers.delete(parentElement)
  }
}
