// The page's own clock. The server sends its time with every turn of the page; when nothing has
// come for a while, the page says so by itself and hatches what it shows, whatever the server does.
// All ages on the page are counted here, with the server's clock, so that a wrong clock of this
// machine does not matter.

const CLOCKS = new WeakMap()

function words(seconds) {
  const whole = Math.max(0, Math.round(seconds))
  if (whole < 60) return `${whole} s ago`
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s ago`
  if (whole < 86400) return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min ago`
  return `${Math.floor(whole / 86400)} d ${Math.floor((whole % 86400) / 3600)} h ago`
}

function write(element, text) {
  if (element.textContent !== text) element.textContent = text
}

function tick(clock) {
  const silent = (Date.now() - clock.heard) / 1000
  const lost = silent > clock.data.lost_after_s
  const now = clock.data.now_s + silent
  const page = document.documentElement.style
  // For components that count ages of their own.
  document.documentElement.dataset.pmtNow = now
  page.setProperty("--pmt-stale", lost ? "1" : "0")
  const beat = clock.data.beat_s
  const quiet = lost || beat === null || now - beat > clock.data.silent_after_s
  page.setProperty("--pmt-live-stale", quiet ? "1" : "0")
  clock.banner.classList.toggle("lost", lost)
  const since = new Date(clock.heard).toLocaleTimeString([], { hour12: false })
  write(
    clock.banner,
    lost ? `No contact since ${since} (${words(silent)}). What you see is as it was then.` : "",
  )
  for (const element of document.querySelectorAll("[data-age-of]")) {
    const age = now - Number(element.dataset.ageOf)
    write(element, words(age))
    const limit = element.dataset.staleAfter
    element.classList.toggle("pmt-old", limit !== undefined && age > Number(limit))
  }
}

export default function ({ data, parentElement }) {
  const banner = parentElement.querySelector(".contact")
  let clock = CLOCKS.get(parentElement)
  if (!clock) {
    clock = { banner }
    CLOCKS.set(parentElement, clock)
    clock.timer = setInterval(() => tick(clock), 1000)
    // Ages that the page brings anew are written before they are painted.
    clock.watch = new MutationObserver(() => tick(clock))
    clock.watch.observe(document.body, { childList: true, subtree: true })
  }
  clock.data = data
  clock.heard = Date.now()
  tick(clock)
  return () => {
    clearInterval(clock.timer)
    clock.watch.disconnect()
    CLOCKS.delete(parentElement)
  }
}
