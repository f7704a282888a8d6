module sallyport/bench/load

go 1.25
