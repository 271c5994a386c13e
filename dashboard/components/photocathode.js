// Puts the map in place, keeps the keyboard's focus across updates, and reports the point that
// was picked. The markup comes from the server with every text escaped.

const SIDE = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }

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

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".photocathode")
  const focused = parentElement.activeElement?.dataset?.point
  if (root.drawn !== data.svg) {
    root.innerHTML = data.svg
    root.drawn = data.svg
    if (focused) root.querySelector(`[data-point="${CSS.escape(focused)}"]`)?.focus()
  }
  const mark = (name) => {
    for (const tile of root.querySelectorAll(".tile")) {
      tile.setAttribute("aria-pressed", String(tile.dataset.point === name))
    }
  }
  mark(data.picked)
  const pick = (tile) => {
    mark(tile.dataset.point)
    setTriggerValue("picked", tile.dataset.point)
  }
  root.onclick = (event) => {
    const tile = tileOf(event)
    if (tile) pick(tile)
  }
  root.onkeydown = (event) => {
    const tile = tileOf(event)
    if (!tile) return
    if (event.key === "Enter" || event.key === " ") {
      event.preventDefault()
      pick(tile)
    } else if (event.key in SIDE) {
      event.preventDefault()
      nearest(root, tile, SIDE[event.key])?.focus()
    }
  }
}
