// Remembers the operator's name in this browser: told once when the page is new, kept from then on.
// A page that is drawn anew before it has heard the name has none; that must not wipe the memory.
const KEY = "pmt-operator"
const TOLD = new WeakSet()

export default function ({ data, parentElement, setStateValue }) {
  const known = localStorage.getItem(KEY)
  if (data.name) {
    localStorage.setItem(KEY, data.name)
  } else if (known && !TOLD.has(parentElement)) {
    TOLD.add(parentElement)
    setStateValue("name", known)
  }
}
