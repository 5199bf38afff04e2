// A tap on a button before the page's modules are there is not lost: it is done as soon as they are.
(() => {
  let tapped = null;
  const keep = (event) => { tapped = event.target.closest?.("[data-act], [data-open]") ?? tapped; };
  addEventListener("click", keep, true);
  globalThis.tappedEarly = () => {
    removeEventListener("click", keep, true);
    if (tapped?.isConnected) tapped.click();
    tapped = null;
  };
})();
